package io.ztunnel.hbone;

import io.netty.channel.Channel;

/// Puts the client's side of a tunnel onto a channel, outside any pool.
public final class TunnelClient {

    private TunnelClient() {}

    /// As [TunnelServer#install], with the client's preface. The tunnel lives until it is drained
    /// or closed, or the peer leaves.
    public static ClientTunnel install(Channel secured, TunnelSettings settings) {
        return install(secured, settings, ReceiveBudget.unlimited());
    }

    /// @param share where unread bytes are accounted; of the channel's loop
    public static ClientTunnel install(
            Channel secured, TunnelSettings settings, ReceiveBudget.Share share) {
        assert secured.eventLoop().inEventLoop();
        ClientConnection tunnel = new ClientConnection(settings, share, null);
        secured.pipeline().addLast(tunnel);
        tunnel.send();
        return tunnel;
    }
}
