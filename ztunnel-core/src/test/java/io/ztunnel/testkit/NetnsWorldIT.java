package io.ztunnel.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

@Tag("netns")
@Timeout(120)
class NetnsWorldIT {
    @Test
    void podsReachEachOtherAcrossNodesInBothFamilies() throws IOException {
        try (NetnsWorld world = new NetnsWorld()) {
            Pod here = world.node("one").pod("here");
            Pod there = world.node("two").pod("there");

            for (Pod[] way : new Pod[][] {{here, there}, {there, here}}) {
                assertThat(reaches(way[0], way[1].ipv4().getHostAddress())).isTrue();
                assertThat(reaches(way[0], way[1].ipv6().getHostAddress())).isTrue();
            }
        }
    }

    @Test
    void closingRemovesNamespacesAndWhatRunsInThem(@TempDir Path folder) throws Exception {
        Process sleeper;
        Pod pod;
        try (NetnsWorld world = new NetnsWorld()) {
            pod = world.node("one").pod("app");
            Path log = folder.resolve("sleeper.log");
            sleeper = pod.namespace().start(List.of("sleep", "600"), Map.of(), log.toFile());
            assertThat(pod.namespace().path()).exists();
        }
        assertThat(sleeper.waitFor(10, TimeUnit.SECONDS)).isTrue();
        assertThat(pod.namespace().path()).doesNotExist();
    }

    @Test
    void whatAKilledProcessLeftIsRemovedByTheNextWorld() throws Exception {
        Process killed =
                new ProcessBuilder(JavaProgram.of(Abandoned.class.getName()))
                        .redirectError(ProcessBuilder.Redirect.DISCARD)
                        .start();
        Path left;
        try (BufferedReader output = killed.inputReader()) {
            left = Path.of(output.readLine());
        } finally {
            killed.destroyForcibly().waitFor();
        }
        assertThat(left).exists();

        try (NetnsWorld next = new NetnsWorld()) {
            assertThat(left).doesNotExist();
            assertThat(next.fabric().path()).exists();
        }
    }

    /// Nobody listens: a refusal that came back proves the way there and the way home.
    private static boolean reaches(Pod from, String to) throws IOException {
        try (SocketChannel client = from.namespace().inside(NetnsWorldIT::unconnected)) {
            client.socket().connect(new InetSocketAddress(to, 9), 5_000);
            return true;
        } catch (ConnectException refused) {
            return "Connection refused".equals(refused.getMessage());
        }
    }

    private static SocketChannel unconnected() {
        try {
            return SocketChannel.open();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    /// Makes a world, says so, and never ends by itself.
    static final class Abandoned {
        private Abandoned() {}

        public static void main(String[] args) throws InterruptedException {
            NetnsWorld world = new NetnsWorld();
            System.out.println(world.fabric().path());
            Thread.currentThread().join();
        }
    }
}
