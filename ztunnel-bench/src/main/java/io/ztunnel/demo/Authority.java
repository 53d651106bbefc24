package io.ztunnel.demo;

import io.ztunnel.testkit.JavaProgram;
import io.ztunnel.testkit.Namespace;

import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/// The certificate authority of the story, a process beside the nodes.
///
/// Each pod proves who it is with a token, as its service account would in a cluster.
final class Authority {
    static final InetAddress ADDRESS = InetAddress.ofLiteral("172.172.0.1");

    private static final int PORT = 15012;
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Path folder;

    private Authority(Path folder) {
        this.folder = folder;
    }

    /// Starts, and returns when it answers.
    static Authority start(Namespace fabric, Path folder, List<Role> roles) {
        List<String> command =
                JavaProgram.of(
                        "io.ztunnel.ca.testkit.LocalCa$Main",
                        "--listen",
                        ADDRESS.getHostAddress() + ":" + PORT,
                        "--name",
                        ADDRESS.getHostAddress(),
                        "--out",
                        folder.toString());
        for (Role role : roles) {
            command.add("--token");
            command.add(
                    "%s=%s/%s/%s/%s-uid"
                            .formatted(
                                    token(role),
                                    Role.NAMESPACE,
                                    role.name(),
                                    role.name(),
                                    role.name()));
        }
        Path log = folder.resolve("ca.log");
        Process process = fabric.start(command, Map.of(), log.toFile());
        Authority authority = new Authority(folder);
        boolean ready =
                Until.isTrue(
                        PATIENCE,
                        () -> Files.exists(authority.rootCertificate()) || !process.isAlive());
        if (!ready || !process.isAlive()) {
            throw new StoryFailed("the certificate authority starts", LogFile.tail(log, 10));
        }
        return authority;
    }

    Path rootCertificate() {
        return folder.resolve("root-cert.pem");
    }

    String url() {
        return "https://" + ADDRESS.getHostAddress() + ":" + PORT;
    }

    /// What this pod's daemon shows to prove who it is.
    static String token(Role role) {
        return "token-of-" + role.name();
    }
}
