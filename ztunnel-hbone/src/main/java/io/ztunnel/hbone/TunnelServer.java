package io.ztunnel.hbone;

import io.netty.channel.Channel;

/// Puts the server's side of a tunnel onto a channel.
public final class TunnelServer {

    private TunnelServer() {}

    /// Adds the tunnel to the end of the pipeline of a channel that is active and, if it is to
    /// be, secured, and sends SETTINGS. The tunnel owns the channel from now on and closes it.
    ///
    /// Call on the channel's event loop, before it reads application data.
    public static Tunnel install(Channel secured, TunnelSettings settings, ConnectHandler handler) {
        return install(secured, settings, ReceiveBudget.unlimited(), handler);
    }

    /// @param share where unread bytes are accounted; of the channel's loop
    public static Tunnel install(
            Channel secured,
            TunnelSettings settings,
            ReceiveBudget.Share share,
            ConnectHandler handler) {
        assert secured.eventLoop().inEventLoop();
        ServerConnection tunnel = new ServerConnection(settings, share, handler);
        secured.pipeline().addLast(tunnel);
        tunnel.send();
        return tunnel;
    }
}
