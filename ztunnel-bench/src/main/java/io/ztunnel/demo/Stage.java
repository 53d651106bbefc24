package io.ztunnel.demo;

import io.ztunnel.testkit.JavaProgram;
import io.ztunnel.testkit.NetnsWorld;
import io.ztunnel.testkit.Node;
import io.ztunnel.testkit.Redirection;
import io.ztunnel.testkit.Shell;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// Two nodes, three pods and the processes in them; closing removes all of it.
final class Stage implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final List<String> ztunnelCommand;
    private final Path folder;
    private final NetnsWorld world = new NetnsWorld();
    private final Node far;
    private final Role alice;
    private final Role bob;
    private final Role web;
    private final Process server;
    private int captures;

    Stage(List<String> ztunnelCommand, Path folder) {
        this.ztunnelCommand = ztunnelCommand;
        this.folder = folder;
        try {
            Node near = world.node("node-1");
            far = world.node("node-2");
            alice = new Role(near.pod("alice"), near.name());
            bob = new Role(near.pod("bob"), near.name());
            web = new Role(far.pod("web"), far.name());
            server =
                    web.pod()
                            .namespace()
                            .start(
                                    JavaProgram.of(WebServer.class.getName()),
                                    Map.of(),
                                    folder.resolve("web.log").toFile());
        } catch (RuntimeException failed) {
            world.close();
            throw failed;
        }
    }

    Role alice() {
        return alice;
    }

    Role bob() {
        return bob;
    }

    Role web() {
        return web;
    }

    List<Role> roles() {
        return List.of(alice, bob, web);
    }

    /// Whether the application came up.
    boolean webAnswersItself() {
        return Until.isTrue(PATIENCE, () -> curl(web).succeeded());
    }

    /// Whether the application is the very process that was started at the beginning.
    boolean webWasNeverRestarted() {
        return server.isAlive();
    }

    /// The request every client of the story makes.
    static String curlCommand() {
        return "curl http://web:" + WebServer.PORT + "/recipe";
    }

    /// Runs it in a pod.
    Shell.Outcome curl(Role from) {
        return from.pod()
                .namespace()
                .tryRun(
                        "curl",
                        "--silent",
                        "--show-error",
                        "--max-time",
                        "10",
                        "--resolve",
                        "web:" + WebServer.PORT + ":" + web.ip(),
                        "http://web:" + WebServer.PORT + "/recipe");
    }

    /// Starts to listen on the cable of the node where the server lives.
    Capture capture() {
        return Capture.between(
                world.fabric(), far.cable(), folder.resolve("wire-" + ++captures + ".pcap"));
    }

    /// What labelling the namespace does in a cluster: rules in every pod.
    void redirect() {
        // The authority is a pod's own business, not the application's.
        Redirection rules = Redirection.iptables().withoutDns().except(Authority.ADDRESS);
        roles().forEach(role -> role.pod().redirected(rules));
    }

    Authority startAuthority() {
        return Authority.start(world.fabric(), folder, roles());
    }

    MeshFile meshFile() {
        return new MeshFile(folder.resolve("mesh.yaml"), roles());
    }

    Daemon startDaemon(Role role, MeshFile mesh, Authority authority) {
        return Daemon.start(ztunnelCommand, role, mesh, authority, folder);
    }

    /// Names a pod's address in text for people.
    String withNames(String text) {
        String named = text;
        for (Role role : roles()) {
            named = named.replaceAll("\\b" + role.ip().replace(".", "\\.") + "\\b", role.name());
        }
        return named;
    }

    @Override
    public void close() {
        world.close();
    }

    /// Removes logs and captures, once nobody wants to look at them.
    static void removeFolder(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }
}
