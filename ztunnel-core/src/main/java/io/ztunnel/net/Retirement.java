package io.ztunnel.net;

import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.unix.Socket;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// How the listeners of a pod end without losing anybody who is on the way to them, while a
/// successor may listen on the same ports (docs/adr/0010-handover.md).
///
/// - No successor: who waits is accepted, then the listener closes.
/// - A successor, and the kernel moves whoever waits: the listener closes.
/// - A successor, and the kernel moves nobody: newcomers are steered to him, those under way have
///   [#LINGER_MILLIS] to arrive, and who waits then is accepted before the listener closes.
///
/// Planned once for all workers, before the first listener closes; then each loop retires its own.
public final class Retirement {
    /// A handshake whose answer was lost once arrives within this: the kernel repeats it after one
    /// second.
    static final long LINGER_MILLIS = 1_500;

    private static final Logger LOG = LoggerFactory.getLogger(Retirement.class);

    // struct sock_filter { u16 code; u8 jt; u8 jf; u32 k; }: return the constant k.
    private static final short RETURN_CONSTANT = 0x06;

    private final boolean succeeded;
    private final int own;

    /// Sockets of this process that have not left, by the address that made them one group.
    private final Map<Group, AtomicInteger> left = new ConcurrentHashMap<>();

    private Retirement(boolean succeeded, int own) {
        this.succeeded = succeeded;
        this.own = own;
    }

    private record Group(boolean stream, SocketAddress address) {}

    /// Looks who listens; any platform thread.
    ///
    /// @param own listeners of this process on each port, one for each worker
    /// @param ports all of them; a successor counts when it has taken them all
    public static Retirement plan(Netns netns, int own, int... ports) {
        boolean succeeded = false;
        try {
            succeeded = PortMembers.least(netns, ports) > own;
        } catch (IOException unreadable) {
            LOG.warn("cannot see who else listens in {}: {}", netns, unreadable.getMessage());
        }
        return new Retirement(succeeded, own);
    }

    /// For a pod that is gone: whoever else serves it is told the same.
    ///
    /// @param own listeners of this process on each port, one for each worker
    public static Retirement alone(int own) {
        return new Retirement(false, own);
    }

    /// Whether somebody else listens on all ports.
    public boolean isSucceeded() {
        return succeeded;
    }

    /// Begins to end a listener, on its loop.
    ///
    /// @param whenLate is run on the loop when it is over, unless that was at once
    public Leaving begin(Channel listener, Runnable whenLate) {
        Leaving leaving = new Leaving(listener);
        if (succeeded && !Migration.isGranted(listener) && leaving.steer()) {
            listener.eventLoop()
                    .schedule(
                            () -> {
                                leaving.finish();
                                whenLate.run();
                            },
                            LINGER_MILLIS,
                            TimeUnit.MILLISECONDS);
        } else {
            leaving.finish();
        }
        return leaving;
    }

    /// Steers datagrams to a successor, on the loop of their socket. What has arrived is still to
    /// be read; whoever has done so calls [Leaving#finish].
    public Leaving beginDatagrams(Channel socket) {
        Leaving leaving = new Leaving(socket);
        if (succeeded) {
            leaving.steer();
        }
        return leaving;
    }

    /// One listener on its way out. Confined to its loop.
    public final class Leaving {
        private final Channel listener;
        private final AtomicInteger others;
        private boolean steered;
        private boolean over;

        private Leaving(Channel listener) {
            this.listener = listener;
            SocketAddress address = listener.localAddress();
            others =
                    address == null
                            ? new AtomicInteger(1)
                            : left.computeIfAbsent(
                                    new Group(listener instanceof ServerChannel, address),
                                    first -> new AtomicInteger(own));
        }

        public boolean isOver() {
            return over;
        }

        /// Closes, now.
        public void finish() {
            if (over) {
                return;
            }
            over = true;
            if (others.decrementAndGet() == 0 && steered) {
                // Or it would steer those who join after us, too.
                tryOption(() -> listener.config().setOption(SocketOptions.NO_PROGRAM, 0));
            }
            if (listener instanceof EpollServerSocketChannel server
                    && (!succeeded || !Migration.isGranted(listener))) {
                acceptAll(server);
            }
            listener.close();
        }

        /// The kernel numbers the members of a group as they came, and whoever leaves gives his
        /// number to the last. So the older process has the first numbers, and the first of the
        /// successor comes after them: also while we leave, one after the other.
        private boolean steer() {
            ByteBuffer program = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder());
            program.putShort(0, RETURN_CONSTANT).putInt(4, own);
            ByteBuffer description = ByteBuffer.allocateDirect(16).order(ByteOrder.nativeOrder());
            description.putShort(0, (short) 1);
            description.putLong(8, MemorySegment.ofBuffer(program).address());
            try {
                steered =
                        tryOption(
                                () ->
                                        listener.config()
                                                .setOption(
                                                        SocketOptions.STEERING_PROGRAM,
                                                        description));
            } finally {
                Reference.reachabilityFence(program);
            }
            return steered;
        }

        /// Takes everybody who waits, as the loop would.
        private static void acceptAll(EpollServerSocketChannel listener) {
            Socket socket = (Socket) listener.fd();
            byte[] peer = new byte[26];
            try {
                for (int accepted = socket.accept(peer);
                        accepted >= 0;
                        accepted = socket.accept(peer)) {
                    listener.pipeline().fireChannelRead(new EpollSocketChannel(accepted));
                }
                listener.pipeline().fireChannelReadComplete();
            } catch (IOException failed) {
                LOG.warn(
                        "connections that waited at {} may be lost: {}",
                        listener.localAddress(),
                        failed.getMessage());
            }
        }
    }

    private static boolean tryOption(Runnable setting) {
        try {
            setting.run();
            return true;
        } catch (ChannelException refused) {
            LOG.warn(
                    "the kernel does not steer connections, some on their way may be reset: {}",
                    SocketFailure.textOf(refused));
            return false;
        }
    }
}
