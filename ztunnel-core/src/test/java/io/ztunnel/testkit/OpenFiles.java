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

    /// How many descriptors lead to network namespaces or whatever else starts with `kind`, for
    /// example `net:` or `anon_inode:[eventfd]`.
    public static long count(String kind) {
        return targets().stream().filter(target -> target.startsWith(kind)).count();
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
