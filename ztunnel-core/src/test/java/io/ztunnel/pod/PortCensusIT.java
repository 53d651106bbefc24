package io.ztunnel.pod;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.testkit.NetnsWorld;
import io.ztunnel.testkit.Pod;
import io.ztunnel.worker.PodInfo;
import io.ztunnel.worker.PodUid;
import io.ztunnel.worker.SliceId;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.util.ArrayList;
import java.util.List;

/// Who shares our ports in a pod without being a proxy.
@Tag("netns")
@Timeout(60)
class PortCensusIT {
    private static final List<Integer> PORTS = List.of(15008, 15006, 15001);
    private static final int WORKERS = 2;
    private static final PodInfo INFO = new PodInfo("app", "default", "app");

    private final PortCensus census = new PortCensus();
    private final List<ServerSocketChannel> listeners = new ArrayList<>();
    private NetnsWorld world;
    private Pod pod;

    @BeforeEach
    void aPodThatIsServed() throws IOException {
        world = new NetnsWorld();
        pod = world.node("node").pod("app");
        proxy(WORKERS);
    }

    @AfterEach
    void remove() throws IOException {
        for (ServerSocketChannel each : listeners) {
            each.close();
        }
        world.close();
    }

    private void proxy(int workers) throws IOException {
        for (int port : PORTS) {
            for (int i = 0; i < workers; i++) {
                listen("::", port);
            }
        }
    }

    private ServerSocketChannel listen(String address, int port) throws IOException {
        ServerSocketChannel listener = pod.namespace().inside(PortCensusIT::unbound);
        listener.setOption(StandardSocketOptions.SO_REUSEPORT, true);
        listener.bind(new InetSocketAddress(address, port));
        listeners.add(listener);
        return listener;
    }

    private static ServerSocketChannel unbound() {
        try {
            return ServerSocketChannel.open();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    private List<Integer> look() {
        return census
                .look(
                        List.of(
                                new PortCensus.Subject(
                                        new SliceId(new PodUid("uid"), 1),
                                        INFO,
                                        pod.namespace().netns(),
                                        WORKERS,
                                        PORTS)))
                .stream()
                .map(PortStranger::port)
                .toList();
    }

    @Test
    void weakness25_whoeverJoinsOnePortIsFoundWithTheSecondLook() throws IOException {
        assertThat(look()).isEmpty();
        ServerSocketChannel thief = listen("::", 15008);

        assertThat(look()).as("it may be a proxy that is binding").isEmpty();
        assertThat(look()).containsExactly(15008);
        assertThat(look()).containsExactly(15008);

        thief.close();
        assertThat(look()).isEmpty();
    }

    @Test
    void weakness25_aListenerForOneAddressTakesEverythingAndIsFound() throws IOException {
        listen(pod.ipv4().getHostAddress(), 15006);
        look();
        assertThat(look()).containsExactly(15006);
    }

    @Test
    void anotherProxyIsNoStranger() throws IOException {
        proxy(1);
        look();
        assertThat(look()).isEmpty();

        listen("::", 15001);
        look();
        assertThat(look()).as("beside the other proxy").containsExactly(15001);
    }

    @Test
    void aNamespaceThatIsGoneHasNobody() {
        PortCensus.Subject gone =
                new PortCensus.Subject(
                        new SliceId(new PodUid("uid"), 1),
                        INFO,
                        pod.namespace().netns(),
                        WORKERS,
                        PORTS);
        pod.namespace().netns().close();
        assertThat(census.look(List.of(gone))).isEmpty();
    }
}
