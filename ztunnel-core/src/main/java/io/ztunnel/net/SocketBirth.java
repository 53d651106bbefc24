package io.ztunnel.net;

import static io.netty.channel.socket.SocketProtocolFamily.INET;
import static io.netty.channel.socket.SocketProtocolFamily.INET6;

import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;

import java.net.Inet6Address;
import java.net.InetAddress;

/// Creates channels inside a namespace: their constructors make the socket, and a socket belongs
/// for ever to the namespace of that moment.
final class SocketBirth {
    static {
        // One of each at home first. Netty's classes are then loaded, its question whether there is
        // IPv6 is answered by this machine and not by some pod, and nothing left to initialise
        // could start a thread inside a namespace.
        Epoll.ensureAvailability();
        new EpollSocketChannel(INET).unsafe().closeForcibly();
        new EpollServerSocketChannel(INET).unsafe().closeForcibly();
        new EpollDatagramChannel(INET).unsafe().closeForcibly();
    }

    private SocketBirth() {}

    static EpollSocketChannel stream(Netns netns, InetAddress towards) {
        return isV6(towards)
                ? netns.call(() -> new EpollSocketChannel(INET6))
                : netns.call(() -> new EpollSocketChannel(INET));
    }

    static EpollServerSocketChannel server(Netns netns, InetAddress on) {
        return isV6(on)
                ? netns.call(() -> new EpollServerSocketChannel(INET6))
                : netns.call(() -> new EpollServerSocketChannel(INET));
    }

    static EpollDatagramChannel datagram(Netns netns, InetAddress on) {
        return isV6(on)
                ? netns.call(() -> new EpollDatagramChannel(INET6))
                : netns.call(() -> new EpollDatagramChannel(INET));
    }

    // The JDK turns IPv4-mapped addresses into IPv4 ones wherever it makes an InetAddress.
    static boolean isV6(InetAddress address) {
        return address instanceof Inet6Address;
    }
}
