package io.ztunnel.net;

import static io.ztunnel.net.linux.SocketConstants.IP6T_SO_ORIGINAL_DST;
import static io.ztunnel.net.linux.SocketConstants.SOL_IP;
import static io.ztunnel.net.linux.SocketConstants.SOL_IPV6;
import static io.ztunnel.net.linux.SocketConstants.SO_ORIGINAL_DST;

import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.unix.RawUnixChannelOption;
import io.netty.util.NetUtil;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// Where the application wanted to connect to before the kernel redirected it to us
/// (docs/spec/inpod-and-deployment.md 2.7).
public final class OriginalDestination {
    private static final Logger LOG = LoggerFactory.getLogger(OriginalDestination.class);

    // struct sockaddr_in: family 2, port 2 (big endian), address 4, padding 8.
    private static final RawUnixChannelOption V4 =
            new RawUnixChannelOption("SO_ORIGINAL_DST", SOL_IP, SO_ORIGINAL_DST, 16);

    // struct sockaddr_in6: family 2, port 2 (big endian), flow info 4, address 16, scope 4.
    private static final RawUnixChannelOption V6 =
            new RawUnixChannelOption("IP6T_SO_ORIGINAL_DST", SOL_IPV6, IP6T_SO_ORIGINAL_DST, 28);

    private OriginalDestination() {}

    /// Asks the kernel about an accepted TCP channel of [Listener]; any thread, once a connection.
    ///
    /// @return canonical, IPv4-mapped addresses being IPv4. The channel's local address when the
    ///     kernel knows no redirection, with a line in the log unless the channel is transparent.
    ///     Not a sign of redirection: the kernel also answers for connections it merely tracks.
    /// @throws IllegalStateException when the channel is closed
    public static InetSocketAddress of(Channel accepted) {
        // The family of the peer decides which question to ask: the wrong one costs an exception.
        boolean v6 = isV6(accepted.remoteAddress());
        InetSocketAddress original = v6 ? ask(accepted, V6, 8, 16) : ask(accepted, V4, 4, 4);
        return original != null ? original : local(accepted);
    }

    private static @Nullable InetSocketAddress ask(
            Channel channel, RawUnixChannelOption question, int offset, int length) {
        try {
            ByteBuffer answer = channel.config().getOption(question);
            if (answer == null) {
                return null;
            }
            byte[] address = new byte[length];
            int start = answer.position();
            answer.get(start + offset, address);
            int port = Short.toUnsignedInt(answer.order(ByteOrder.BIG_ENDIAN).getShort(start + 2));
            return new InetSocketAddress(InetAddress.getByAddress(address), port);
        } catch (ChannelException unknownToConntrack) {
            return null;
        } catch (UnknownHostException impossible) {
            throw new IllegalStateException("4 and 16 bytes are always legal", impossible);
        }
    }

    private static InetSocketAddress local(Channel channel) {
        InetSocketAddress local = (InetSocketAddress) channel.localAddress();
        if (local == null) {
            throw new IllegalStateException("channel is closed");
        }
        if (!Listener.isTransparent(channel)) {
            LOG.warn(
                    "no original destination, using {} itself",
                    NetUtil.toSocketAddressString(local));
        }
        return local;
    }

    private static boolean isV6(@Nullable Object peer) {
        return peer instanceof InetSocketAddress socket
                && socket.getAddress() instanceof Inet6Address;
    }
}
