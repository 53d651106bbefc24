package io.ztunnel.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.epoll.EpollSocketChannelConfig;
import io.netty.channel.unix.Errors;
import io.ztunnel.net.ListenerSettings.PortSharing;
import io.ztunnel.net.ListenerSettings.Transparent;
import io.ztunnel.net.linux.Errno;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;

@Timeout(60)
class ListenerTest {
    private static final InetAddress ANY = InetAddress.ofLiteral("::");
    private static final InetAddress LOOPBACK4 = InetAddress.ofLiteral("127.0.0.1");
    private static final InetAddress LOOPBACK6 = InetAddress.ofLiteral("::1");

    private final Accepted accepted = new Accepted();
    private Loop loop;

    @BeforeEach
    void startLoop() throws Exception {
        loop = new Loop();
    }

    @AfterEach
    void endLoop() {
        loop.close();
    }

    @Test
    void theWildcardTakesBothFamiliesAndKeepsThemOnItsLoop() throws Exception {
        int port = open(PortSharing.ALONE).port();

        for (InetAddress to : new InetAddress[] {LOOPBACK4, LOOPBACK6}) {
            try (SocketChannel client =
                    Peers.connect(Netns.own(), new InetSocketAddress(to, port))) {
                assertThat(Peers.pingPong(client, 7)).isEqualTo((byte) 7);
                Channel server = accepted.next();
                assertThat(server.eventLoop()).isSameAs(loop.eventLoop());
                assertThat(((InetSocketAddress) server.remoteAddress()).getAddress()).isEqualTo(to);
                assertThat(server.config().getOption(ChannelOption.ALLOW_HALF_CLOSURE)).isTrue();
                assertThat(server.config().getOption(ChannelOption.TCP_NODELAY)).isTrue();
            }
        }
    }

    @Test
    void row131_test_keep_alive_options_acceptedSocketsInheritKeepAliveAndUserTimeout()
            throws Exception {
        SocketSettings probing =
                new SocketSettings(0, true, Duration.ofSeconds(10), Duration.ofSeconds(2), 5, true);
        int port = open(settings(PortSharing.ALONE, true, probing)).port();

        EpollSocketChannelConfig config = acceptOne(port).config();

        assertThat(config.isKeepAlive()).isTrue();
        assertThat(config.getTcpKeepIdle()).isEqualTo(10);
        assertThat(config.getTcpKeepIntvl()).isEqualTo(2);
        assertThat(config.getTcpKeepCnt()).isEqualTo(5);
        assertThat(config.getTcpUserTimeout()).isEqualTo(20_000);
        assertThat(config.isTcpNoDelay()).isTrue();
    }

    @Test
    void withoutKeepAliveOnAcceptedNothingIsProbed() throws Exception {
        int port = open(settings(PortSharing.ALONE, false, SocketSettings.DEFAULTS)).port();

        assertThat(acceptOne(port).config().isKeepAlive()).isFalse();
    }

    @Test
    void aTakenPortIsRefusedWithItsAddress() throws Exception {
        int port = open(PortSharing.ALONE).port();

        ChannelFuture second = bind(ANY, port, defaults(PortSharing.ALONE));

        assertThat(second.cause())
                .isInstanceOf(BindException.class)
                .hasMessage(
                        "failed to bind to address [::]:%d: EADDRINUSE, address already in use"
                                .formatted(port));
        assertThat(second.channel().isOpen()).isFalse();
        assertThat(bind(LOOPBACK4, port, defaults(PortSharing.ALONE)).cause())
                .hasMessageStartingWith("failed to bind to address 127.0.0.1:" + port);
    }

    @Test
    void workersShareAPortAndTheKernelSpreadsConnections() throws Exception {
        try (Loop other = new Loop()) {
            Accepted there = new Accepted();
            int port = open(PortSharing.SHARED).port();
            ChannelFuture second =
                    other.settle(
                            () ->
                                    Listener.bind(
                                            other.eventLoop(),
                                            Netns.own(),
                                            new InetSocketAddress(ANY, port),
                                            defaults(PortSharing.SHARED),
                                            there));
            assertThat(second.isSuccess()).isTrue();

            Set<String> answeredBy = new HashSet<>();
            for (int i = 0; i < 200 && answeredBy.size() < 2; i++) {
                Peers.connect(Netns.own(), new InetSocketAddress(LOOPBACK4, port)).close();
                while (accepted.isEmpty() && there.isEmpty()) {
                    Thread.onSpinWait();
                }
                answeredBy.add(accepted.isEmpty() ? "there" : "here");
                (accepted.isEmpty() ? there : accepted).next();
            }
            assertThat(answeredBy).containsExactlyInAnyOrder("here", "there");
        }
    }

    @Test
    void aFounderRefusesAPortThatOthersShareButLetsOursJoin() throws Exception {
        int taken = open(PortSharing.SHARED).port();
        assertThat(bind(ANY, taken, defaults(PortSharing.FOUNDER)).cause())
                .hasMessageContaining("EADDRINUSE");

        int port = open(PortSharing.FOUNDER).port();
        assertThat(bind(ANY, port, defaults(PortSharing.SHARED)).isSuccess()).isTrue();
        assertThat(bind(ANY, port, defaults(PortSharing.ALONE)).cause())
                .hasMessageContaining("EADDRINUSE");
    }

    @Test
    void withoutIpv6TheWildcardBecomesItsIpv4Twin() throws Exception {
        ChannelFuture bound =
                loop.settle(
                        () ->
                                Listener.bind(
                                        loop.eventLoop(),
                                        Netns.own(),
                                        new InetSocketAddress(ANY, 0),
                                        defaults(PortSharing.ALONE),
                                        accepted,
                                        ListenerTest::birthWithoutIpv6));

        InetSocketAddress local = (InetSocketAddress) bound.channel().localAddress();
        assertThat(local.getAddress()).isEqualTo(InetAddress.ofLiteral("0.0.0.0"));
        acceptOne(local.getPort());
    }

    @Test
    void withoutIpv6AnAddressOfItIsRefused() throws Exception {
        ChannelFuture bound =
                loop.settle(
                        () ->
                                Listener.bind(
                                        loop.eventLoop(),
                                        Netns.own(),
                                        new InetSocketAddress(LOOPBACK6, 1234),
                                        defaults(PortSharing.ALONE),
                                        accepted,
                                        ListenerTest::birthWithoutIpv6));

        assertThat(bound.cause())
                .hasMessage(
                        "failed to bind to address [::1]:1234: EAFNOSUPPORT, address family not"
                                + " supported");
    }

    @Test
    void aFailureToAcceptPausesAndThenGoesOn() throws Exception {
        Opened opened = open(PortSharing.ALONE);
        Channel listener = opened.channel();

        boolean reading =
                loop.call(
                        () -> {
                            listener.pipeline().fireExceptionCaught(new ChannelException("EMFILE"));
                            return listener.config().isAutoRead();
                        });

        assertThat(reading).isFalse();
        acceptOne(opened.port());
        assertThat(listener.config().isAutoRead()).isTrue();
    }

    private record Opened(Channel channel, int port) {}

    private Opened open(PortSharing sharing) throws Exception {
        return open(defaults(sharing));
    }

    private Opened open(ListenerSettings settings) throws Exception {
        ChannelFuture bound = bind(ANY, 0, settings);
        assertThat(bound.cause()).isNull();
        return new Opened(
                bound.channel(), ((InetSocketAddress) bound.channel().localAddress()).getPort());
    }

    private ChannelFuture bind(InetAddress address, int port, ListenerSettings settings)
            throws Exception {
        return loop.settle(
                () ->
                        Listener.bind(
                                loop.eventLoop(),
                                Netns.own(),
                                new InetSocketAddress(address, port),
                                settings,
                                accepted));
    }

    private EpollSocketChannel acceptOne(int port) throws Exception {
        try (SocketChannel client =
                Peers.connect(Netns.own(), new InetSocketAddress(LOOPBACK4, port))) {
            EpollSocketChannel server = (EpollSocketChannel) accepted.next();
            assertThat(Peers.pingPong(client, 1)).isEqualTo((byte) 1);
            server.eventLoop().submit(() -> null).await(10, TimeUnit.SECONDS);
            // Options can be asked for only while it is open: keep it so.
            return server;
        }
    }

    private static ListenerSettings defaults(PortSharing sharing) {
        return settings(sharing, true, SocketSettings.DEFAULTS);
    }

    private static ListenerSettings settings(
            PortSharing sharing, boolean keepAlive, SocketSettings sockets) {
        return new ListenerSettings(
                sharing, Transparent.OFF, ListenerSettings.DEFAULT_BACKLOG, keepAlive, sockets);
    }

    private static EpollServerSocketChannel birthWithoutIpv6(Netns netns, InetAddress on) {
        if (SocketBirth.isV6(on)) {
            throw new ChannelException(Errors.newIOException("socket", -Errno.EAFNOSUPPORT));
        }
        return SocketBirth.server(netns, on);
    }
}
