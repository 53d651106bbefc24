package io.ztunnel.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.ztunnel.net.ListenerSettings.PortSharing;
import io.ztunnel.net.ListenerSettings.Transparent;
import io.ztunnel.testkit.NetnsWorld;
import io.ztunnel.testkit.Node;
import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.Redirection;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.List;

/// What the proxy sees behind the rules of the CNI plugin (docs/spec/inpod-and-deployment.md 3.6),
/// for both tools and both families.
@Tag("netns")
@Timeout(120)
class RedirectionIT {
    private static final int MARK = 1337;
    private static final InetAddress ANY = InetAddress.ofLiteral("::");

    private final NetnsWorld world = new NetnsWorld();
    private final Accepted outbound = new Accepted();
    private final Accepted inbound = new Accepted();
    private final Accepted tunnel = new Accepted();
    private final Loop loop;
    private Node nodeOfPod;
    private Node nodeOfClient;
    private Pod pod;
    private Pod client;

    RedirectionIT() throws Exception {
        loop = new Loop();
    }

    @AfterEach
    void removeWorld() {
        loop.close();
        world.close();
    }

    @ParameterizedTest
    @EnumSource
    void whatThePodSendsArrivesWithItsDestination(Redirection.Backend backend) throws Exception {
        captured(backend);
        for (InetAddress to : List.of(client.ipv4(), client.ipv6())) {
            InetSocketAddress wanted = new InetSocketAddress(to, 8080);
            try (SocketChannel application = Peers.connect(pod.namespace().netns(), wanted)) {
                Channel seen = outbound.next();
                assertThat(OriginalDestination.of(seen)).isEqualTo(wanted);
                assertThat(addressOf(seen.remoteAddress())).isEqualTo(own(to));
                assertThat(portOf(seen.localAddress())).isEqualTo(15001);
                assertThat(Peers.pingPong(application, 1)).isEqualTo((byte) 1);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatArrivesInPlaintextIsCapturedWithItsPort(Redirection.Backend backend) throws Exception {
        captured(backend);
        for (InetAddress to : List.of(pod.ipv4(), pod.ipv6())) {
            InetSocketAddress wanted = new InetSocketAddress(to, 8080);
            try (SocketChannel peer = Peers.connect(client.namespace().netns(), wanted)) {
                Channel seen = inbound.next();
                assertThat(OriginalDestination.of(seen)).isEqualTo(wanted);
                assertThat(seen.remoteAddress()).isEqualTo(peer.getLocalAddress());
                assertThat(seen.localAddress()).isEqualTo(new InetSocketAddress(to, 15006));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void tunnelsArriveDirectlyAndTheKernelAnswersForThemToo(Redirection.Backend backend)
            throws Exception {
        captured(backend);
        for (InetAddress to : List.of(pod.ipv4(), pod.ipv6())) {
            InetSocketAddress wanted = new InetSocketAddress(to, 15008);
            Peers.connect(client.namespace().netns(), wanted).close();
            Channel seen = tunnel.next();
            assertThat(seen.localAddress()).isEqualTo(wanted);
            assertThat(OriginalDestination.of(seen)).isEqualTo(wanted);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aSpoofedSourceReachesTheApplicationAndItsAnswerReachesUs(Redirection.Backend backend)
            throws Exception {
        captured(backend);
        Dialer dialer =
                new Dialer(
                        loop.eventLoop(),
                        pod.namespace().netns(),
                        SocketSettings.DEFAULTS.withMark(MARK));
        for (InetAddress to : List.of(pod.ipv4(), pod.ipv6())) {
            InetAddress source = to.equals(pod.ipv4()) ? client.ipv4() : client.ipv6();
            try (ServerSocketChannel application =
                    Peers.listen(pod.namespace().netns(), new InetSocketAddress(to, 8080))) {
                ChannelFuture connected =
                        loop.settle(
                                () ->
                                        dialer.connect(
                                                new InetSocketAddress(to, 8080), source, tunnel));
                assertThat(connected.cause()).isNull();
                tunnel.next();
                try (SocketChannel accepted = application.accept()) {
                    accepted.socket().setSoTimeout(10_000);
                    assertThat(addressOf(accepted.getRemoteAddress())).isEqualTo(source);
                    // Our end echoes: there and back through connmark, rule and table 100.
                    assertThat(Peers.pingPong(accepted, 42)).isEqualTo((byte) 42);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void markedConnectionsLeaveUntouched(Redirection.Backend backend) throws Exception {
        captured(backend);
        Dialer dialer =
                new Dialer(
                        loop.eventLoop(),
                        pod.namespace().netns(),
                        SocketSettings.DEFAULTS.withMark(MARK));
        for (InetAddress to : List.of(client.ipv4(), client.ipv6())) {
            try (ServerSocketChannel server =
                    Peers.listen(client.namespace().netns(), new InetSocketAddress(to, 8080))) {
                loop.settle(
                        () ->
                                dialer.connect(
                                        new InetSocketAddress(to, 8080), null, new Accepted()));
                try (SocketChannel accepted = server.accept()) {
                    assertThat(addressOf(accepted.getRemoteAddress())).isEqualTo(own(to));
                }
            }
        }
        assertThat(outbound.isEmpty()).isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void withoutAProxyACapturedPodIsClosedInBothDirections(Redirection.Backend backend) {
        pods();
        pod.redirected(with(backend));

        assertThat(refused(pod, new InetSocketAddress(client.ipv4(), 8080))).isTrue();
        assertThat(refused(client, new InetSocketAddress(pod.ipv4(), 8080))).isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void ingressModeLeavesPlaintextToTheApplication(Redirection.Backend backend) throws Exception {
        pods();
        pod.redirected(with(backend).withoutInbound());
        listen(15006, inbound);
        InetSocketAddress at = new InetSocketAddress(pod.ipv4(), 8080);
        try (ServerSocketChannel application = Peers.listen(pod.namespace().netns(), at);
                SocketChannel peer = Peers.connect(client.namespace().netns(), at);
                SocketChannel accepted = application.accept()) {
            accepted.write(ByteBuffer.wrap(new byte[] {5}));
            assertThat(peer.socket().getInputStream().read()).isEqualTo(5);
        }
        assertThat(inbound.isEmpty()).isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void kubeletProbesPassBy(Redirection.Backend backend) throws Exception {
        captured(backend);
        InetAddress probe = InetAddress.ofLiteral("169.254.7.127");
        client.namespace().run("ip", "addr", "add", "169.254.7.127/32", "dev", "lo");
        // A pod replies to its node, so the kubelet's address has to live behind that node.
        nodeOfPod.namespace().run("ip", "route", "add", "169.254.7.127", "via", "172.172.0.3");
        nodeOfClient
                .namespace()
                .run("ip", "route", "add", "169.254.7.127", "via", client.ipv4().getHostAddress());
        InetSocketAddress at = new InetSocketAddress(pod.ipv4(), 8080);
        try (ServerSocketChannel application = Peers.listen(pod.namespace().netns(), at);
                SocketChannel kubelet = client.namespace().inside(Peers::unconnected)) {
            kubelet.bind(new InetSocketAddress(probe, 0));
            kubelet.socket().connect(at, 10_000);
            try (SocketChannel accepted = application.accept()) {
                assertThat(addressOf(accepted.getRemoteAddress())).isEqualTo(probe);
            }
        }
        assertThat(inbound.isEmpty()).isTrue();
    }

    private void pods() {
        nodeOfPod = world.node("node");
        nodeOfClient = world.node("remote");
        pod = nodeOfPod.pod("app");
        client = nodeOfClient.pod("client");
    }

    private void captured(Redirection.Backend backend) throws Exception {
        pods();
        pod.redirected(with(backend));
        listen(15008, tunnel);
        listen(15006, inbound);
        listen(15001, outbound);
    }

    private void listen(int port, Accepted accepted) throws Exception {
        ChannelFuture bound =
                loop.settle(
                        () ->
                                Listener.bind(
                                        loop.eventLoop(),
                                        pod.namespace().netns(),
                                        new InetSocketAddress(ANY, port),
                                        new ListenerSettings(
                                                PortSharing.SHARED,
                                                Transparent.REQUIRED,
                                                128,
                                                true,
                                                SocketSettings.DEFAULTS.withMark(MARK)),
                                        accepted));
        assertThat(bound.cause()).isNull();
    }

    private static boolean refused(Pod from, InetSocketAddress to) {
        try {
            Peers.connect(from.namespace().netns(), to).close();
            return false;
        } catch (ConnectException refusedByTheKernel) {
            return true;
        } catch (IOException other) {
            throw new AssertionError(other);
        }
    }

    private static Redirection with(Redirection.Backend backend) {
        return backend == Redirection.Backend.NFT ? Redirection.nft() : Redirection.iptables();
    }

    private InetAddress own(InetAddress sameFamilyAs) {
        return SocketBirth.isV6(sameFamilyAs) ? pod.ipv6() : pod.ipv4();
    }

    private static InetAddress addressOf(Object address) {
        return ((InetSocketAddress) address).getAddress();
    }

    private static int portOf(Object address) {
        return ((InetSocketAddress) address).getPort();
    }
}
