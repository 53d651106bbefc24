package io.ztunnel.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A network namespace that plays a pod.
///
/// @param netns its name, as `ip netns` knows it
/// @param address its IPv4 address
record Pod(String netns, String address) {
    /// The file that stands for the namespace.
    Path path() {
        return Path.of("/run/netns", netns);
    }

    /// The words that run a command inside.
    List<String> inside(List<String> words) {
        List<String> all = new ArrayList<>(List.of("ip", "netns", "exec", netns));
        all.addAll(words);
        return all;
    }

    List<String> inside(String... words) {
        return inside(List.of(words));
    }

    String run(String... words) {
        return Command.run(inside(words).toArray(String[]::new));
    }
}
