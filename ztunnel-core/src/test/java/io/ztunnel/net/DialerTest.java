package io.ztunnel.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.ChannelFuture;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.epoll.EpollSocketChannelConfig;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

@Timeout(60)
class DialerTest {
    private Loop loop;

    @BeforeEach
    void startLoop() throws Exception {
        loop = new Loop();
    }

    @AfterEach
    void endLoop() {
        loop.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void connectsWithoutDelayProbedAndWithHalfClosure(String address) throws Exception {
        try (ServerSocketChannel server = listen(address)) {
            ChannelFuture connected = connect(server, null);

            assertThat(connected.cause()).isNull();
            EpollSocketChannelConfig config = ((EpollSocketChannel) connected.channel()).config();
            assertThat(config.isTcpNoDelay()).isTrue();
            assertThat(config.isAllowHalfClosure()).isTrue();
            assertThat(config.isKeepAlive()).isTrue();
            assertThat(config.getTcpKeepIdle()).isEqualTo(180);
            assertThat(config.getTcpKeepIntvl()).isEqualTo(180);
            assertThat(config.getTcpKeepCnt()).isEqualTo(9);
            assertThat(config.getTcpUserTimeout()).isZero();
            assertThat(config.getConnectTimeoutMillis()).isEqualTo(10_000);
            server.accept().close();
        }
    }

    @Test
    void aRefusedConnectionFailsAndIsClosed() throws Exception {
        int port;
        try (ServerSocketChannel server = listen("127.0.0.1")) {
            port = server.socket().getLocalPort();
        }
        ChannelFuture connected =
                loop.settle(
                        () ->
                                dialer().connect(
                                                new InetSocketAddress("127.0.0.1", port),
                                                null,
                                                new Accepted()));

        assertThat(connected.cause()).isInstanceOf(ConnectException.class);
        assertThat(connected.channel().closeFuture().await(5_000)).isTrue();
    }

    @Test
    void neverSpoofsTowardsOneself() throws Exception {
        try (ServerSocketChannel server = listen("127.0.0.1")) {
            ChannelFuture connected = connect(server, InetAddress.ofLiteral("127.0.0.1"));

            assertThat(connected.cause()).isNull();
            assertThat(connected.channel().config().getOption(SocketOptions.FREE_BIND)).isZero();
        }
    }

    @Test
    void aSourceThatCannotBeBoundIsGivenUpAndTheConnectionIsNot() throws Exception {
        try (ServerSocketChannel server = listen("127.0.0.1")) {
            // An IPv6 source on the way to IPv4 can never be bound.
            ChannelFuture connected = connect(server, InetAddress.ofLiteral("fd99::99"));

            assertThat(connected.cause()).isNull();
            try (SocketChannel accepted = server.accept()) {
                assertThat(((InetSocketAddress) accepted.getRemoteAddress()).getAddress())
                        .isEqualTo(InetAddress.ofLiteral("127.0.0.1"));
            }
        }
    }

    @Test
    void aSourceThatIsAMustFailsTheConnectionWhereItCannotBeBound() throws Exception {
        try (ServerSocketChannel server = listen("127.0.0.1")) {
            InetSocketAddress to = (InetSocketAddress) server.getLocalAddress();
            InetAddress source = InetAddress.ofLiteral("fd99::99");
            List<Dialer.SourceTrouble> troubles = new CopyOnWriteArrayList<>();
            ChannelFuture connected =
                    loop.settle(
                            () ->
                                    new Dialer(
                                                    loop.eventLoop(),
                                                    Netns.own(),
                                                    SocketSettings.DEFAULTS,
                                                    true,
                                                    troubles::add)
                                            .connect(to, source, new Accepted()));

            assertThat(connected.isSuccess()).isFalse();
            assertThat(connected.channel().closeFuture().await(5_000)).isTrue();
            server.configureBlocking(false);
            assertThat(server.accept()).as("nobody connected").isNull();
            assertThat(troubles).containsExactly(Dialer.SourceTrouble.REFUSED);
        }
    }

    private ChannelFuture connect(ServerSocketChannel server, InetAddress source) throws Exception {
        InetSocketAddress to = (InetSocketAddress) server.getLocalAddress();
        return loop.settle(() -> dialer().connect(to, source, new Accepted()));
    }

    private Dialer dialer() {
        return new Dialer(loop.eventLoop(), Netns.own(), SocketSettings.DEFAULTS);
    }

    private static ServerSocketChannel listen(String address) throws Exception {
        return Peers.listen(Netns.own(), new InetSocketAddress(address, 0));
    }
}
