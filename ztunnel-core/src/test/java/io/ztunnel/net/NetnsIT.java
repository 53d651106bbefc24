package io.ztunnel.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.netty.channel.ChannelFuture;
import io.ztunnel.net.ListenerSettings.PortSharing;
import io.ztunnel.net.ListenerSettings.Transparent;
import io.ztunnel.net.linux.LibC;
import io.ztunnel.testkit.JavaProgram;
import io.ztunnel.testkit.NetnsWorld;
import io.ztunnel.testkit.Pod;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;

@Tag("netns")
@Timeout(120)
class NetnsIT {
    private static NetnsWorld world;
    private static Pod pod;
    private static Netns netns;

    @BeforeAll
    static void makePod() {
        world = new NetnsWorld();
        pod = world.node("node").pod("app");
        netns = pod.namespace().netns();
    }

    @AfterAll
    static void removeWorld() {
        world.close();
    }

    @Test
    void test_run_works_theBodyRunsInsideAndTheThreadComesHome() {
        assertThat(netns.isOwn()).isFalse();
        assertThat(netns.call(NetnsIT::here)).isEqualTo(netns.toString());
        assertThat(here()).isEqualTo(Netns.own().toString());
    }

    @Test
    void theThreadComesHomeAfterAnExceptionToo() {
        assertThatIllegalStateException()
                .isThrownBy(
                        () ->
                                netns.call(
                                        () -> {
                                            throw new IllegalStateException("inside");
                                        }))
                .withMessage("inside");
        assertThat(here()).isEqualTo(Netns.own().toString());
    }

    @Test
    void aVirtualThreadIsRefused() throws Exception {
        AtomicReference<Throwable> refusal = new AtomicReference<>();
        Thread.ofVirtual()
                .start(
                        () -> {
                            try {
                                netns.call(NetnsIT::here);
                            } catch (IllegalStateException refused) {
                                refusal.set(refused);
                            }
                        })
                .join();

        assertThat(refusal.get()).hasMessageContaining("virtual thread");
    }

    @Test
    void aClosedHandleIsRefusedAndNeverReused() throws IOException {
        Netns handle = Netns.open(pod.namespace().path());
        int number = handle.descriptor();
        // Closing while somebody is inside: the descriptor lives until that call is over.
        boolean openInside =
                handle.call(
                        () -> {
                            handle.close();
                            return Files.exists(Path.of("/proc/self/fd/" + number));
                        });

        assertThat(openInside).isTrue();
        assertThat(Path.of("/proc/self/fd/" + number)).doesNotExist();
        assertThatExceptionOfType(UncheckedIOException.class)
                .isThrownBy(() -> handle.call(NetnsIT::here))
                .withMessageContaining("the network namespace is closed");
        handle.close();
    }

    @Test
    void socketsAreBornInsideAndNoThreadStaysThere() throws Exception {
        try (Loop loop = new Loop();
                ServerSocketChannel application =
                        Peers.listen(netns, new InetSocketAddress("127.0.0.1", 8080))) {
            // Only the pod's loopback has this port.
            Dialer dialer = new Dialer(loop.eventLoop(), netns, SocketSettings.DEFAULTS);
            ChannelFuture connected =
                    loop.settle(
                            () ->
                                    dialer.connect(
                                            new InetSocketAddress("127.0.0.1", 8080),
                                            null,
                                            new Accepted()));
            assertThat(connected.cause()).isNull();
            application.accept().close();

            ChannelFuture listening = loop.settle(() -> listen(loop, 15008));
            assertThat(listening.cause()).isNull();
            InetSocketAddress fromOutside = new InetSocketAddress(pod.ipv4(), 15008);
            Peers.connect(world.fabric().netns(), fromOutside).close();

            assertThat(namespacesOfOurThreads()).containsOnly(Netns.own().toString());
        }
    }

    @Test
    void manyCyclesLeaveNoDescriptorBehind() throws Exception {
        try (Loop loop = new Loop()) {
            cycle(loop);
            long before = openFiles();
            for (int i = 0; i < 500; i++) {
                cycle(loop);
            }
            assertThat(openFiles()).isLessThanOrEqualTo(before);
        }
    }

    @Test
    void aThreadThatCannotComeHomeEndsTheProcess() throws Exception {
        File log = File.createTempFile("lost", ".log");
        Process lost =
                new ProcessBuilder(
                                JavaProgram.of(
                                        LostInNamespace.class.getName(),
                                        pod.namespace().path().toString()))
                        .redirectErrorStream(true)
                        .redirectOutput(log)
                        .start();
        try {
            assertThat(lost.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(Files.readString(log.toPath()))
                    .contains("cannot leave a pod's network namespace")
                    .contains("setns: EBADF");
            assertThat(lost.exitValue()).isEqualTo(Netns.EXIT_LOST_IN_NAMESPACE);
        } finally {
            lost.destroyForcibly();
            log.delete();
        }
    }

    private static void cycle(Loop loop) throws Exception {
        try (Netns handle = Netns.open(pod.namespace().path())) {
            ChannelFuture listening =
                    loop.settle(
                            () ->
                                    Listener.bind(
                                            loop.eventLoop(),
                                            handle,
                                            new InetSocketAddress(InetAddress.ofLiteral("::"), 0),
                                            settings(),
                                            new Accepted()));
            // Nobody listens there, so this one fails, and must clean up after itself.
            Dialer dialer = new Dialer(loop.eventLoop(), handle, SocketSettings.DEFAULTS);
            ChannelFuture refused =
                    loop.settle(
                            () ->
                                    dialer.connect(
                                            new InetSocketAddress("127.0.0.1", 1),
                                            null,
                                            new Accepted()));
            assertThat(refused.isSuccess()).isFalse();
            assertThat(refused.channel().closeFuture().await(10_000)).isTrue();
            listening.channel().close().sync();
        }
    }

    private static ChannelFuture listen(Loop loop, int port) {
        return Listener.bind(
                loop.eventLoop(),
                netns,
                new InetSocketAddress(InetAddress.ofLiteral("::"), port),
                settings(),
                new Accepted());
    }

    private static ListenerSettings settings() {
        return new ListenerSettings(
                PortSharing.SHARED, Transparent.REQUIRED, 128, true, SocketSettings.DEFAULTS);
    }

    private static String here() {
        try {
            return Files.readSymbolicLink(Path.of("/proc/thread-self/ns/net")).toString();
        } catch (IOException gone) {
            throw new UncheckedIOException(gone);
        }
    }

    private static List<String> namespacesOfOurThreads() throws IOException {
        try (Stream<Path> threads = Files.list(Path.of("/proc/self/task"))) {
            return threads.map(thread -> thread.resolve("ns/net"))
                    .flatMap(NetnsIT::linkIfAlive)
                    .toList();
        }
    }

    private static Stream<String> linkIfAlive(Path link) {
        try {
            return Stream.of(Files.readSymbolicLink(link).toString());
        } catch (IOException threadEnded) {
            return Stream.empty();
        }
    }

    private static long openFiles() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
            return files.count();
        }
    }

    /// A process whose way home is gone.
    static final class LostInNamespace {
        private LostInNamespace() {}

        public static void main(String[] args) throws IOException {
            Netns pod = Netns.open(Path.of(args[0]));
            LibC.close(Netns.own().descriptor());
            pod.call(() -> "inside");
            System.out.println("came home without a way");
        }
    }
}
