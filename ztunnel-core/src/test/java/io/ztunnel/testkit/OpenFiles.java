package io.ztunnel.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// The files this process has open, to show that none goes astray.
public final class OpenFiles {
    private OpenFiles() {}

    /// How many descriptors lead to something whose name starts with one of these, for example
    /// `net:` for network namespaces or `socket:`.
    public static long count(String... kinds) {
        return targets().stream()
                .filter(target -> Stream.of(kinds).anyMatch(target::startsWith))
                .count();
    }

    private static List<String> targets() {
        List<String> targets = new ArrayList<>();
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            for (Path descriptor : descriptors.toList()) {
                try {
                    targets.add(Files.readSymbolicLink(descriptor).toString());
                } catch (IOException gone) {
                    // The listing's own descriptor, or one that another thread closed since.
                    targets.add("closed");
                }
            }
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
        return targets;
    }
}
