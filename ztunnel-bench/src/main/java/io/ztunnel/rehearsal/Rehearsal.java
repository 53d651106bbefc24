package io.ztunnel.rehearsal;

import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.ca.testkit.LocalCa;
import io.ztunnel.ca.testkit.NodeAuthorizer;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/// Records the start-up cache: `Rehearsal <launcher> <cache file>`.
///
/// Ends with status 0 when the cache was written, 1 with a sentence when it was not.
public final class Rehearsal {
    private static final String TRUST_DOMAIN = "cluster.local";
    private static final String CLUSTER = "Kubernetes";

    private Rehearsal() {}

    public static void main(String[] args) throws Exception {
        if (args.length != 2) {
            System.err.println("usage: Rehearsal <launcher> <cache file>");
            System.exit(2);
        }
        Path folder = Files.createTempDirectory("ztunnel-rehearsal");
        // Also where a signal ends it.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> remove(folder)));
        int status = 0;
        try {
            play(Path.of(args[0]).toAbsolutePath(), Path.of(args[1]).toAbsolutePath(), folder);
        } catch (RehearsalFailed failed) {
            System.err.println("rehearsal: " + failed.getMessage());
            status = 1;
        }
        System.exit(status);
    }

    private static void play(Path launcher, Path cache, Path folder) throws Exception {
        NodeAuthorizer callers = new NodeAuthorizer(CLUSTER).anyIdentity();
        callers.tokens.put(
                Player.ACCOUNT,
                new NodeAuthorizer.Caller(
                        CLUSTER, "default", Player.ACCOUNT, Player.ACCOUNT, "rehearsal-uid"));
        InetAddress here = InetAddress.getLoopbackAddress();
        try (LocalCa ca =
                        LocalCa.start(
                                new InetSocketAddress(here, 0),
                                TRUST_DOMAIN,
                                IssuingCa.root("O=" + TRUST_DOMAIN),
                                callers,
                                List.of(here.getHostAddress(), "localhost"));
                EchoServer application = EchoServer.start(Player.APPLICATION)) {
            Path root = Files.writeString(folder.resolve("root.pem"), ca.rootPem());
            Files.deleteIfExists(cache);
            Player player = Player.start(launcher, cache, folder, root, ca.port());
            try {
                player.awaitReady();
                new Traffic(Player.SOCKS, application.address()).run();
                player.readAdmin();
            } catch (IOException | RehearsalFailed failed) {
                throw new RehearsalFailed(failed.getMessage() + "; " + player.lastWords(), failed);
            } finally {
                player.stop();
            }
            if (!Files.isRegularFile(cache)) {
                throw new RehearsalFailed("no cache was written; " + player.lastWords());
            }
        }
    }

    private static void remove(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException problem) {
            System.err.println("left behind: " + folder + " (" + problem.getMessage() + ")");
        }
    }
}
