package io.ztunnel.hbone;

import io.netty.buffer.ByteBuf;
import io.netty.channel.AbstractChannel;
import io.netty.channel.Channel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelMetadata;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.util.ReferenceCountUtil;

import org.jspecify.annotations.Nullable;

import java.net.SocketAddress;
import java.util.ArrayDeque;

/// A stream seen as a channel, so that TLS and another tunnel can run inside it
/// (`docs/spec/dataplane.md` 2.5).
///
/// Lives on the event loop of its tunnel; active from [#open] on. Closing it finishes our direction
/// and, when the peer has not finished its own, resets the stream with CANCEL. The peer's
/// END_STREAM closes it, as the end of input does for any channel without half closure. Reading
/// gives credit back as bytes are passed on; without auto-read they are held back, with the credit.
public final class StreamChannel extends AbstractChannel {

    private static final ChannelMetadata METADATA = new ChannelMetadata(false);

    private final TunnelStream stream;
    private final ChannelConfig config = new DefaultChannelConfig(this);
    private final ArrayDeque<ByteBuf> unread = new ArrayDeque<>(2);
    private boolean open = true;
    private boolean registered;
    private boolean readWanted;
    private boolean inputOver;

    private StreamChannel(TunnelStream stream) {
        super(stream.tunnel().channel());
        this.stream = stream;
    }

    /// Makes the channel, registered and active, and becomes the stream's receiver.
    public static StreamChannel open(TunnelStream stream) {
        EventLoop loop = stream.tunnel().channel().eventLoop();
        assert loop.inEventLoop();
        StreamChannel channel = new StreamChannel(stream);
        channel.unsafe().register(loop, channel.newPromise());
        stream.receiver(channel.new Receiver());
        return channel;
    }

    private void fireUnread() {
        boolean fired = false;
        while (readWanted || config.isAutoRead()) {
            ByteBuf data = unread.poll();
            if (data == null) {
                break;
            }
            fired = true;
            int size = data.readableBytes();
            stream.consumed(size);
            pipeline().fireChannelRead(data);
        }
        if (fired) {
            readWanted = false;
            pipeline().fireChannelReadComplete();
        }
        if (inputOver && unread.isEmpty() && open) {
            pipeline().fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
            unsafe().close(voidPromise());
        }
    }

    private final class Receiver implements StreamReceiver {
        @Override
        public void onData(ByteBuf data) {
            if (open) {
                unread.add(data);
            } else {
                data.release();
            }
        }

        @Override
        public void onReadComplete() {
            fireUnread();
        }

        @Override
        public void onEnd() {
            inputOver = true;
            fireUnread();
        }

        @Override
        public void onReset(StreamFailure failure) {
            if (open) {
                pipeline().fireExceptionCaught(new StreamLost(failure));
                unsafe().close(voidPromise());
            }
        }

        @Override
        public void onWritable() {
            unsafe().flush();
        }
    }

    @Override
    protected AbstractUnsafe newUnsafe() {
        return new StreamUnsafe();
    }

    private final class StreamUnsafe extends AbstractUnsafe {
        @Override
        public void connect(
                SocketAddress remote, @Nullable SocketAddress local, ChannelPromise promise) {
            promise.setFailure(new UnsupportedOperationException("a stream is connected"));
        }
    }

    @Override
    protected boolean isCompatible(EventLoop loop) {
        return true;
    }

    @Override
    protected void doRegister(ChannelPromise promise) {
        registered = true;
        promise.setSuccess();
    }

    @Override
    protected @Nullable SocketAddress localAddress0() {
        Channel parent = parent();
        return parent == null ? null : parent.localAddress();
    }

    @Override
    protected @Nullable SocketAddress remoteAddress0() {
        Channel parent = parent();
        return parent == null ? null : parent.remoteAddress();
    }

    @Override
    protected void doBind(SocketAddress local) {
        throw new UnsupportedOperationException("a stream has no address of its own");
    }

    @Override
    protected void doDisconnect() {
        doClose();
    }

    @Override
    protected void doClose() {
        if (!open) {
            return;
        }
        open = false;
        unread.forEach(ReferenceCountUtil::release);
        unread.clear();
        stream.finish();
        if (!stream.inputFinished()) {
            stream.reset(ResetCode.CANCEL);
        }
    }

    @Override
    protected void doBeginRead() {
        readWanted = true;
        if (!unread.isEmpty()) {
            eventLoop().execute(this::fireUnread);
        }
    }

    @Override
    protected void doWrite(ChannelOutboundBuffer out) {
        while (true) {
            Object message = out.current();
            if (!(message instanceof ByteBuf data)) {
                break;
            }
            // Otherwise onWritable comes back here.
            if (!stream.isWritable()) {
                if (stream.outputFinished()) {
                    out.remove(new StreamLost(new StreamFailure.TunnelLost(null)));
                    continue;
                }
                break;
            }
            stream.write(data.retain());
            out.remove();
        }
        stream.flush();
    }

    @Override
    protected Object filterOutboundMessage(Object message) {
        if (message instanceof ByteBuf) {
            return message;
        }
        throw new UnsupportedOperationException("only bytes: " + message.getClass());
    }

    @Override
    public ChannelConfig config() {
        return config;
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public boolean isActive() {
        return open && registered;
    }

    @Override
    public ChannelMetadata metadata() {
        return METADATA;
    }
}
