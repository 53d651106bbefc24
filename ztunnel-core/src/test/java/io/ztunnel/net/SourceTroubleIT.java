package io.ztunnel.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.ChannelFuture;
import io.netty.channel.ConnectTimeoutException;
import io.ztunnel.net.Dialer.SourceTrouble;
import io.ztunnel.testkit.NetnsWorld;
import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.Redirection;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/// Connections that keep the client's address, where the pod's rules do not bring answers back.
@Tag("netns")
@Timeout(60)
class SourceTroubleIT {
    private static final InetAddress CLIENT = InetAddress.ofLiteral("192.0.2.9");

    private final List<SourceTrouble> troubles = new CopyOnWriteArrayList<>();
    private NetnsWorld world;
    private Pod pod;
    private Loop loop;

    @BeforeEach
    void makePod() throws Exception {
        world = new NetnsWorld();
        pod = world.node("node").pod("app");
        loop = new Loop();
    }

    @AfterEach
    void removeWorld() {
        loop.close();
        world.close();
    }

    private ChannelFuture connect() throws Exception {
        Dialer dialer =
                new Dialer(
                        loop.eventLoop(),
                        pod.namespace().netns(),
                        SocketSettings.DEFAULTS.withMark(1337),
                        true,
                        troubles::add);
        InetSocketAddress to = new InetSocketAddress(pod.ipv4(), 8080);
        return loop.settle(() -> dialer.connect(to, CLIENT, new Accepted()));
    }

    @Test
    void weakness37_answersThatDoNotComeBackAreReported() throws Exception {
        pod.redirected(Redirection.nft());
        pod.namespace().run("ip", "rule", "del", "fwmark", "0x111/0xfff", "lookup", "100");
        try (ServerSocketChannel application =
                Peers.listen(pod.namespace().netns(), new InetSocketAddress("0.0.0.0", 8080))) {
            assertThat(connect().cause()).isInstanceOf(ConnectTimeoutException.class);
            loop.call(() -> true);
            assertThat(troubles).containsExactly(SourceTrouble.UNANSWERED);
            assertThat(application.isOpen()).isTrue();
        }
    }

    @Test
    void anApplicationThatIsNotThereHasAnswered() throws Exception {
        pod.redirected(Redirection.nft());
        assertThat(connect().cause()).isInstanceOf(java.net.ConnectException.class);
        loop.call(() -> true);
        assertThat(troubles).isEmpty();
    }
}
