package io.ztunnel.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.ztunnel.net.ListenerSettings.PortSharing;
import io.ztunnel.net.ListenerSettings.Transparent;
import io.ztunnel.testkit.NetnsWorld;
import io.ztunnel.testkit.Pod;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/// Options of sockets in a pod (docs/spec/dataplane.md rows 132 to 134).
@Tag("netns")
@Timeout(60)
class PodSocketsIT {
    private static final SocketSettings MARKED = SocketSettings.DEFAULTS.withMark(123);
    private static final InetAddress ANY = InetAddress.ofLiteral("::");

    private static NetnsWorld world;
    private static Pod pod;
    private static Netns netns;
    private static Loop loop;

    @BeforeAll
    static void makePod() throws Exception {
        world = new NetnsWorld();
        pod = world.node("node").pod("app");
        netns = pod.namespace().netns();
        loop = new Loop();
    }

    @AfterAll
    static void removeWorld() {
        loop.close();
        world.close();
    }

    @Test
    void row132_test_inpod_config_no_port_reuse_withoutPortReuseListenersAreMarkedAndAlone()
            throws Exception {
        Channel tcp = listen(PortSharing.ALONE, Transparent.OFF, new Accepted());
        Channel udp = udp(false);

        for (Channel channel : new Channel[] {tcp, udp}) {
            assertThat(channel.config().getOption(SocketOptions.MARK)).isEqualTo(123);
            assertThat(channel.config().getOption(SocketOptions.REUSE_PORT)).isZero();
        }
        assertThat(tcp.config().getOption(SocketOptions.REUSE_ADDRESS)).isEqualTo(1);
    }

    @Test
    void row133_test_inpod_config_port_reuse_withPortReuseListenersAreMarkedAndShared()
            throws Exception {
        Channel tcp = listen(PortSharing.SHARED, Transparent.OFF, new Accepted());
        Channel udp = udp(true);

        for (Channel channel : new Channel[] {tcp, udp}) {
            assertThat(channel.config().getOption(SocketOptions.MARK)).isEqualTo(123);
            assertThat(channel.config().getOption(SocketOptions.REUSE_PORT)).isEqualTo(1);
        }
        assertThat(tcp.config().getOption(SocketOptions.REUSE_ADDRESS)).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void row134_test_inpod_config_outbound_sockets_outgoingSocketsAreMarkedAndDoNotShare(
            String address) throws Exception {
        try (ServerSocketChannel server = Peers.listen(netns, new InetSocketAddress(address, 0))) {
            Dialer dialer = new Dialer(loop.eventLoop(), netns, MARKED);
            InetSocketAddress to = (InetSocketAddress) server.getLocalAddress();
            ChannelFuture connected = loop.settle(() -> dialer.connect(to, null, new Accepted()));

            assertThat(connected.cause()).isNull();
            assertThat(connected.channel().config().getOption(SocketOptions.MARK)).isEqualTo(123);
            assertThat(connected.channel().config().getOption(SocketOptions.REUSE_PORT)).isZero();
        }
    }

    @Test
    void acceptedSocketsInheritMarkAndTransparency() throws Exception {
        for (Transparent transparent : Transparent.values()) {
            Accepted accepted = new Accepted();
            Channel listener = listen(PortSharing.SHARED, transparent, accepted);
            int port = ((InetSocketAddress) listener.localAddress()).getPort();
            try (SocketChannel client =
                    Peers.connect(
                            world.fabric().netns(), new InetSocketAddress(pod.ipv4(), port))) {
                Channel server = accepted.next();
                assertThat(Peers.pingPong(client, 3)).isEqualTo((byte) 3);
                assertThat(server.config().getOption(SocketOptions.MARK)).isEqualTo(123);
                assertThat(Listener.isTransparent(server))
                        .isEqualTo(Listener.isTransparent(listener))
                        .isEqualTo(transparent != Transparent.OFF);
            }
        }
    }

    @Test
    void aPodThatInsistsOnV6onlyGetsItsIpv4Anyway() throws Exception {
        pod.namespace().run("sh", "-c", "echo 1 > /proc/sys/net/ipv6/bindv6only");
        Channel listener = listen(PortSharing.SHARED, Transparent.OFF, new Accepted());
        int port = ((InetSocketAddress) listener.localAddress()).getPort();

        Peers.connect(world.fabric().netns(), new InetSocketAddress(pod.ipv4(), port)).close();
        Peers.connect(world.fabric().netns(), new InetSocketAddress(pod.ipv6(), port)).close();
    }

    @Test
    void aPodWithIpv6SwitchedOffIsListenedOnAllTheSame() throws Exception {
        Pod old = world.node("old").pod("old");
        old.namespace().run("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6");
        ChannelFuture bound =
                loop.settle(
                        () ->
                                Listener.bind(
                                        loop.eventLoop(),
                                        old.namespace().netns(),
                                        new InetSocketAddress(ANY, 15008),
                                        settings(PortSharing.SHARED, Transparent.REQUIRED),
                                        new Accepted()));

        assertThat(bound.cause()).isNull();
        Peers.connect(world.fabric().netns(), new InetSocketAddress(old.ipv4(), 15008)).close();
        assertThat(LoopbackIpv6.isEnabledIn(old.namespace().netns())).isFalse();
        assertThat(LoopbackIpv6.isEnabledIn(netns)).isTrue();
    }

    private static Channel listen(PortSharing sharing, Transparent transparent, Accepted accepted)
            throws Exception {
        ChannelFuture bound =
                loop.settle(
                        () ->
                                Listener.bind(
                                        loop.eventLoop(),
                                        netns,
                                        new InetSocketAddress(ANY, 0),
                                        settings(sharing, transparent),
                                        accepted));
        assertThat(bound.cause()).isNull();
        return bound.channel();
    }

    private static Channel udp(boolean shared) throws Exception {
        ChannelFuture bound =
                loop.settle(
                        () ->
                                UdpSocket.bind(
                                        loop.eventLoop(),
                                        netns,
                                        new InetSocketAddress("127.0.0.1", 0),
                                        123,
                                        shared,
                                        new Accepted()));
        assertThat(bound.cause()).isNull();
        return bound.channel();
    }

    private static ListenerSettings settings(PortSharing sharing, Transparent transparent) {
        return new ListenerSettings(sharing, transparent, 128, true, MARKED);
    }
}
