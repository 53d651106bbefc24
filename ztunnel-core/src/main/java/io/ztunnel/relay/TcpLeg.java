package io.ztunnel.relay;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.unix.Socket;
import io.netty.channel.unix.UnixChannel;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.channels.NotYetConnectedException;
import java.util.ArrayDeque;

/// A TCP socket as a leg. The channel must allow half closure and start with reading switched off.
///
/// Bytes that arrive before a listener is attached are kept: the kernel hands them over without
/// being asked when the peer has closed its side already. They are few, the socket's buffer bounds
/// them.
public final class TcpLeg extends ChannelInboundHandlerAdapter implements Leg {
    private final Channel channel;
    private @Nullable LegListener listener;
    private @Nullable ArrayDeque<ByteBuf> early;
    private boolean inputEnded;
    private boolean finishing;
    private boolean closing;
    private boolean gone;
    private @Nullable Runnable whenGoneEarly;
    private LegGone how = LegGone.SOCKET;

    private TcpLeg(Channel channel) {
        this.channel = channel;
    }

    /// Puts the leg at the end of the channel's pipeline.
    public static TcpLeg on(Channel channel) {
        TcpLeg leg = new TcpLeg(channel);
        channel.pipeline().addLast(leg);
        return leg;
    }

    public Channel channel() {
        return channel;
    }

    /// Called when the socket dies before a listener is attached, so that nobody connects for
    /// nothing.
    public void whenGoneEarly(Runnable action) {
        whenGoneEarly = action;
    }

    /// Ends the connection the way the kernel does for a socket whose bytes nobody read: with a
    /// reset where the peer has sent something, else with an ordinary end (docs/spec/dataplane.md
    /// 2.1).
    public void refuse() {
        if (early != null && !early.isEmpty()) {
            channel.config().setOption(ChannelOption.SO_LINGER, 0);
        }
        abort();
    }

    @Override
    public void attach(LegListener attached) {
        listener = attached;
        whenGoneEarly = null;
        if (early != null) {
            ArrayDeque<ByteBuf> kept = early;
            early = null;
            for (ByteBuf data = kept.poll(); data != null; data = kept.poll()) {
                attached.onData(data);
            }
            attached.onBurstEnd();
        }
        if (inputEnded) {
            attached.onEnd();
        }
        if (gone) {
            attached.onGone(how);
        } else {
            resume();
        }
    }

    @Override
    public boolean isWritable() {
        return channel.isWritable();
    }

    @Override
    public void write(ByteBuf data) {
        channel.write(data, channel.voidPromise());
    }

    @Override
    public void flush() {
        channel.flush();
    }

    @Override
    public void finish() {
        finishing = true;
        // Ending the output would drop what is still queued, so it has to wait for the queue.
        channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(written -> finished());
    }

    private void finished() {
        finishing = false;
        if (closing || inputEnded) {
            channel.close();
        } else if (channel.isActive()) {
            shutdownOutput();
        }
    }

    /// Past the channel's own method, which makes an exception with a stack trace each time, for
    /// writers that do not exist.
    private void shutdownOutput() {
        try {
            if (channel instanceof UnixChannel unix && unix.fd() instanceof Socket socket) {
                socket.shutdown(false, true);
            } else {
                ((DuplexChannel) channel).shutdownOutput();
            }
        } catch (IOException | NotYetConnectedException gone) {
            channel.close();
        }
    }

    @Override
    public void close() {
        if (finishing && channel.isActive()) {
            closing = true;
        } else {
            abort();
        }
    }

    @Override
    public void abort() {
        if (early != null) {
            early.forEach(ByteBuf::release);
            early = null;
        }
        channel.close();
    }

    @Override
    public void pause() {
        channel.config().setAutoRead(false);
    }

    @Override
    public void resume() {
        // Wanting to read an input that has ended makes the transport close the channel.
        if (!inputEnded && !channel.config().isAutoRead()) {
            channel.config().setAutoRead(true);
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        ByteBuf data = (ByteBuf) message;
        if (listener != null) {
            listener.onData(data);
        } else if (gone || !channel.isOpen()) {
            data.release();
        } else {
            if (early == null) {
                early = new ArrayDeque<>(2);
            }
            early.add(data);
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        if (listener != null) {
            listener.onBurstEnd();
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event == ChannelInputShutdownEvent.INSTANCE && !inputEnded) {
            inputEnded = true;
            if (listener != null) {
                listener.onEnd();
            }
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        if (listener != null && channel.isWritable()) {
            listener.onWritable();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        gone = true;
        if (listener != null) {
            listener.onGone(how);
        } else if (whenGoneEarly != null) {
            whenGoneEarly.run();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (!(cause instanceof IOException)) {
            how = new LegGone(String.valueOf(cause), false);
        }
        ctx.close();
    }
}
