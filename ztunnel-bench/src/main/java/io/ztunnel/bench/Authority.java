package io.ztunnel.bench;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/// The local certificate authority that the ztunnels of a run ask.
///
/// @param address host and port, as a `CA_ADDRESS` has it
/// @param root file with the certificate to trust it by, PEM; the mesh's root too
/// @param token what callers present
record Authority(String address, Path root, String token) {
    private static final int PORT = 15012;
    private static final Duration START = Duration.ofSeconds(20);

    /// Starts it in the hub, in a process of its own.
    static Authority start(Lab lab) {
        Pod hub = lab.hub();
        Path root = lab.directory().resolve("authority-root.pem");
        String address = hub.address() + ":" + PORT;
        List<String> words =
                Jvm.words("64m", AuthorityMain.class, hub.address(), "" + PORT, root.toString());
        Daemon daemon = lab.start("authority", hub, words, Map.of());
        Agent watcher = Agent.start(lab, "authority-watcher", hub);
        String question = "listening %s %d %d".formatted(hub.address(), PORT, START.toMillis());
        try {
            watcher.ask(START.plusSeconds(5), question);
        } catch (LabFailure problem) {
            throw daemon.failure("did not start (" + problem.getMessage() + ")");
        }
        daemon.requireAlive();
        return new Authority(address, root, "bench");
    }
}
