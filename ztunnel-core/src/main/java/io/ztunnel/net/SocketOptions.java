package io.ztunnel.net;

import static io.ztunnel.net.linux.SocketConstants.SOL_IP;
import static io.ztunnel.net.linux.SocketConstants.SOL_SOCKET;
import static io.ztunnel.net.linux.SocketConstants.SOL_TCP;

import io.netty.channel.ChannelException;
import io.netty.channel.epoll.EpollChannelConfig;
import io.netty.channel.unix.Errors;
import io.netty.channel.unix.IntegerUnixChannelOption;
import io.netty.channel.unix.RawUnixChannelOption;
import io.ztunnel.net.linux.SocketConstants;

/// Socket options that Netty does not know on every kind of channel.
///
/// Setters throw [ChannelException] when the kernel refuses.
final class SocketOptions {
    static final IntegerUnixChannelOption MARK =
            new IntegerUnixChannelOption("SO_MARK", SOL_SOCKET, SocketConstants.SO_MARK);
    static final IntegerUnixChannelOption REUSE_ADDRESS =
            new IntegerUnixChannelOption("SO_REUSEADDR", SOL_SOCKET, SocketConstants.SO_REUSEADDR);
    static final IntegerUnixChannelOption REUSE_PORT =
            new IntegerUnixChannelOption("SO_REUSEPORT", SOL_SOCKET, SocketConstants.SO_REUSEPORT);
    static final IntegerUnixChannelOption KEEP_ALIVE =
            new IntegerUnixChannelOption("SO_KEEPALIVE", SOL_SOCKET, SocketConstants.SO_KEEPALIVE);
    static final IntegerUnixChannelOption KEEP_IDLE =
            new IntegerUnixChannelOption("TCP_KEEPIDLE", SOL_TCP, SocketConstants.TCP_KEEPIDLE);
    static final IntegerUnixChannelOption KEEP_INTERVAL =
            new IntegerUnixChannelOption("TCP_KEEPINTVL", SOL_TCP, SocketConstants.TCP_KEEPINTVL);
    static final IntegerUnixChannelOption KEEP_COUNT =
            new IntegerUnixChannelOption("TCP_KEEPCNT", SOL_TCP, SocketConstants.TCP_KEEPCNT);
    static final IntegerUnixChannelOption USER_TIMEOUT =
            new IntegerUnixChannelOption(
                    "TCP_USER_TIMEOUT", SOL_TCP, SocketConstants.TCP_USER_TIMEOUT);
    static final IntegerUnixChannelOption TRANSPARENT =
            new IntegerUnixChannelOption("IP_TRANSPARENT", SOL_IP, SocketConstants.IP_TRANSPARENT);
    static final IntegerUnixChannelOption FREE_BIND =
            new IntegerUnixChannelOption("IP_FREEBIND", SOL_IP, SocketConstants.IP_FREEBIND);
    static final IntegerUnixChannelOption BIND_ADDRESS_NO_PORT =
            new IntegerUnixChannelOption(
                    "IP_BIND_ADDRESS_NO_PORT", SOL_IP, SocketConstants.IP_BIND_ADDRESS_NO_PORT);

    /// `struct sock_fprog`: the length of a classic program in instructions, and where it is.
    static final RawUnixChannelOption STEERING_PROGRAM =
            new RawUnixChannelOption(
                    "SO_ATTACH_REUSEPORT_CBPF",
                    SOL_SOCKET,
                    SocketConstants.SO_ATTACH_REUSEPORT_CBPF,
                    16);
    static final IntegerUnixChannelOption PROGRAM =
            new IntegerUnixChannelOption(
                    "SO_ATTACH_REUSEPORT_EBPF",
                    SOL_SOCKET,
                    SocketConstants.SO_ATTACH_REUSEPORT_EBPF);
    static final IntegerUnixChannelOption NO_PROGRAM =
            new IntegerUnixChannelOption(
                    "SO_DETACH_REUSEPORT_BPF", SOL_SOCKET, SocketConstants.SO_DETACH_REUSEPORT_BPF);

    private SocketOptions() {}

    static void mark(EpollChannelConfig config, int mark) {
        if (mark != 0) {
            config.setOption(MARK, mark);
        }
    }

    /// Probing is a courtesy: a kernel that refuses it does not cost the connection.
    static void keepAlive(EpollChannelConfig config, SocketSettings settings) {
        try {
            if (settings.keepAlive()) {
                config.setOption(KEEP_ALIVE, 1);
                config.setOption(KEEP_IDLE, (int) settings.keepAliveIdle().toSeconds());
                config.setOption(KEEP_INTERVAL, (int) settings.keepAliveInterval().toSeconds());
                config.setOption(KEEP_COUNT, settings.keepAliveRetries());
            }
            if (settings.userTimeout()) {
                config.setOption(USER_TIMEOUT, settings.userTimeoutMillis());
            }
        } catch (ChannelException refused) {
            // See above.
        }
    }

    /// The kernel's number behind a failure of Netty's, 0 when there is none.
    static int errnoOf(Throwable failure) {
        for (Throwable at = failure; at != null; at = at.getCause()) {
            if (at instanceof Errors.NativeIoException refused) {
                return -refused.expectedErr();
            }
        }
        return 0;
    }
}
