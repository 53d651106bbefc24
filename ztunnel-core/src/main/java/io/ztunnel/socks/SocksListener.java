package io.ztunnel.socks;

import io.netty.channel.Channel;
import io.ztunnel.observe.Observer;
import io.ztunnel.observe.Reporter;
import io.ztunnel.outbound.NameResolver;
import io.ztunnel.outbound.OutboundListener;
import io.ztunnel.relay.ReceiveSizes;
import io.ztunnel.worker.PodSlice;

import org.jspecify.annotations.Nullable;

import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.Map;

/// Takes sockets on port 15080 and speaks SOCKS5 with them until they have said where to; then they
/// are connections like those on 15001, with tunnels of their own (docs/spec/dataplane.md 10).
///
/// Confined to the worker's loop.
public final class SocksListener implements PodSlice.Part {
    private final PodSlice slice;
    private final OutboundListener outbound;
    private final @Nullable SocksNames names;

    /// Those that have not said where to, with who they are: a closed socket no longer knows.
    private final Map<Channel, InetSocketAddress> undecided = new HashMap<>();

    /// @param outbound for these sockets alone, so that its tunnels are theirs
    /// @param resolver null where host names are refused, as without the DNS proxy they are
    public SocksListener(
            PodSlice slice,
            OutboundListener outbound,
            String network,
            @Nullable NameResolver resolver) {
        this.slice = slice;
        this.outbound = outbound;
        this.names = resolver == null ? null : new SocksNames(slice, network, resolver);
    }

    /// An accepted socket, with reading switched off.
    public void onAccepted(Channel channel) {
        InetSocketAddress client = (InetSocketAddress) channel.remoteAddress();
        if (client == null) {
            channel.close();
            return;
        }
        ReceiveSizes.of(channel);
        Observer observer = slice.worker().observer();
        observer.socketOpened(Reporter.SOURCE);
        undecided.put(channel, client);
        channel.closeFuture()
                .addListener(
                        closed -> {
                            observer.socketClosed(Reporter.SOURCE);
                            decided(channel);
                        });
        channel.pipeline().addLast(new SocksConversation(this));
        channel.config().setAutoRead(true);
    }

    PodSlice slice() {
        return slice;
    }

    @Nullable SocksNames names() {
        return names;
    }

    void connect(Channel channel, InetSocketAddress target) {
        outbound.connect(channel, target);
        decided(channel);
    }

    void refused(Channel channel, String why) {
        InetSocketAddress client = undecided.get(channel);
        if (client != null && channel.localAddress() instanceof InetSocketAddress local) {
            slice.worker().observer().denied(client, local, "outbound", "socks5: " + why);
        }
    }

    private void decided(Channel channel) {
        undecided.remove(channel);
        slice.mayBeQuiet();
    }

    /// Whoever is about to say where to may still do so.
    @Override
    public void drain() {}

    @Override
    public void close() {
        for (Channel channel : undecided.keySet().toArray(new Channel[0])) {
            channel.close();
        }
    }

    @Override
    public boolean isQuiet() {
        return undecided.isEmpty();
    }
}
