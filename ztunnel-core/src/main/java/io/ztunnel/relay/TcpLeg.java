package io.ztunnel.relay;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.epoll.EpollSocketChannelConfig;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.unix.Socket;
import io.netty.channel.unix.UnixChannel;
import io.ztunnel.hbone.ReceiveBudget;

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
    /// What a paused socket has left at the other side at most: its queue and one read.
    private static final int STALLED = 128 * 1024;

    /// How long a program may leave unread what it was sent before it was left alone.
    private static final int UNREAD_MILLIS = 300_000;

    private static final int PROBE_IDLE_SECONDS = 60;
    private static final int PROBE_INTERVAL_SECONDS = 15;
    private static final int PROBE_RETRIES = 4;

    /// Of `tcp_states.h`.
    private static final int TCP_CLOSE = 7;

    private final Channel channel;
    private final ReceiveBudget.Share share;
    private @Nullable LegListener listener;
    private @Nullable ArrayDeque<ByteBuf> early;
    private boolean inputEnded;
    private boolean finishing;
    private boolean closing;
    private boolean gone;
    private @Nullable Runnable whenGoneEarly;
    private int stalled;
    private long unread;
    private boolean probed;
    private LegGone how = LegGone.SOCKET;

    private TcpLeg(Channel channel, ReceiveBudget.Share share) {
        this.channel = channel;
        this.share = share;
    }

    /// Puts the leg at the end of the channel's pipeline.
    ///
    /// @param share where bytes are accounted that do not get on; of the channel's loop
    public static TcpLeg on(Channel channel, ReceiveBudget.Share share) {
        TcpLeg leg = new TcpLeg(channel, share);
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
        if (finishing) {
            keepUnread();
        }
    }

    /// Whoever sent the bytes may leave now, so they are accounted here until they are taken.
    private void keepUnread() {
        ChannelOutboundBuffer queue = channel.unsafe().outboundBuffer();
        if (queue != null) {
            unread = queue.totalPendingWriteBytes();
            share.hold(unread);
        }
        option(EpollChannelOption.TCP_USER_TIMEOUT, UNREAD_MILLIS);
    }

    @Override
    public boolean isFinishing() {
        return finishing;
    }

    /// The kernel does not report the end of a socket whose input has ended already, so it is
    /// asked; and to be able to tell, it has to ask the peer.
    @Override
    public void probe() {
        if (channel instanceof EpollSocketChannel socket && socket.isOpen()) {
            if (socket.tcpInfo().state() == TCP_CLOSE) {
                socket.close();
                return;
            }
            if (!probed) {
                probed = true;
                probeOften();
            }
        }
    }

    private void probeOften() {
        if (channel.config() instanceof EpollSocketChannelConfig config && config.isKeepAlive()) {
            option(
                    EpollChannelOption.TCP_KEEPIDLE,
                    Math.min(config.getTcpKeepIdle(), PROBE_IDLE_SECONDS));
            option(
                    EpollChannelOption.TCP_KEEPINTVL,
                    Math.min(config.getTcpKeepIntvl(), PROBE_INTERVAL_SECONDS));
            option(EpollChannelOption.TCP_KEEPCNT, Math.min(config.getTcpKeepCnt(), PROBE_RETRIES));
        }
    }

    /// Asking the kernel is a courtesy; a socket that has just gone refuses it.
    private void option(ChannelOption<Integer> option, int value) {
        try {
            channel.config().setOption(option, value);
        } catch (ChannelException gone) {
            // See above.
        }
    }

    private void finished() {
        finishing = false;
        share.release(unread);
        unread = 0;
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
        if (stalled == 0 && !gone) {
            stalled = STALLED;
            share.hold(stalled);
        }
    }

    @Override
    public void resume() {
        unstall();
        // Wanting to read an input that has ended makes the transport close the channel.
        if (!inputEnded && !channel.config().isAutoRead()) {
            channel.config().setAutoRead(true);
        }
    }

    private void unstall() {
        if (stalled > 0) {
            share.release(stalled);
            stalled = 0;
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
        unstall();
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
