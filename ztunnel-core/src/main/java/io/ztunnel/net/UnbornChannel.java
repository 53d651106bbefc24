package io.ztunnel.net;

import io.netty.channel.AbstractChannel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelMetadata;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.DefaultChannelPromise;
import io.netty.channel.EventLoop;

import org.jspecify.annotations.Nullable;

import java.net.SocketAddress;

/// Stands in for a channel whose socket could not even be created, so that callers have one kind of
/// failure to handle: a failed [ChannelFuture].
final class UnbornChannel extends AbstractChannel {
    private static final ChannelMetadata METADATA = new ChannelMetadata(false);

    private final ChannelConfig config = new DefaultChannelConfig(this);

    private final EventLoop loop;

    private UnbornChannel(EventLoop loop) {
        super(null);
        this.loop = loop;
    }

    /// A future that failed already; its channel is closed and can do nothing.
    static ChannelFuture failed(EventLoop loop, Throwable cause) {
        return new DefaultChannelPromise(new UnbornChannel(loop), loop).setFailure(cause);
    }

    /// It is closed already. The usual way would ask for its loop, and it has never had one.
    @Override
    public ChannelFuture close() {
        return new DefaultChannelPromise(this, loop).setSuccess();
    }

    @Override
    protected AbstractUnsafe newUnsafe() {
        return new Refusal();
    }

    @Override
    protected boolean isCompatible(EventLoop loop) {
        return false;
    }

    @Override
    protected @Nullable SocketAddress localAddress0() {
        return null;
    }

    @Override
    protected @Nullable SocketAddress remoteAddress0() {
        return null;
    }

    @Override
    protected void doBind(SocketAddress localAddress) {
        throw new UnsupportedOperationException();
    }

    @Override
    protected void doDisconnect() {}

    @Override
    protected void doClose() {}

    @Override
    protected void doBeginRead() {}

    @Override
    protected void doWrite(ChannelOutboundBuffer in) {
        throw new UnsupportedOperationException();
    }

    @Override
    public ChannelConfig config() {
        return config;
    }

    @Override
    public boolean isOpen() {
        return false;
    }

    @Override
    public boolean isActive() {
        return false;
    }

    @Override
    public ChannelMetadata metadata() {
        return METADATA;
    }

    private final class Refusal extends AbstractUnsafe {
        @Override
        public void connect(
                SocketAddress remote, @Nullable SocketAddress local, ChannelPromise promise) {
            promise.setFailure(new UnsupportedOperationException());
        }
    }
}
