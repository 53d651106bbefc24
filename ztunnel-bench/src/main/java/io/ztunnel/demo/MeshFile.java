package io.ztunnel.demo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Collectors;

/// What the control plane would push, as the file the daemons watch
/// (docs/spec/control-plane.md 3).
final class MeshFile {
    private final Path path;
    private final List<Role> roles;

    MeshFile(Path path, List<Role> roles) {
        this.path = path;
        this.roles = List.copyOf(roles);
    }

    Path path() {
        return path;
    }

    /// Everybody may call everybody.
    void withoutPolicy() {
        write("policies: []\n");
    }

    /// Nobody may: an allow policy without rules allows nothing.
    ///
    /// @return the policy as an operator would read it
    String denyAll() {
        return write(policy("deny-all", "[]"));
    }

    /// Only this one may.
    ///
    /// @return the policy as an operator would read it
    String allowOnly(Role caller) {
        return write(
                policy(
                        "allow-" + caller.name(),
                        "\n  - - - principals: [!Exact " + caller.principal() + "]"));
    }

    private static String policy(String name, String rules) {
        return """
        policies:
        - name: %s
          namespace: %s
          scope: Namespace
          action: Allow
          dryRun: false
          rules: %s
        """
                .formatted(name, Role.NAMESPACE, rules)
                .replace(": \n", ":\n");
    }

    private String write(String policies) {
        String workloads = roles.stream().map(MeshFile::workload).collect(Collectors.joining());
        Path next = path.resolveSibling(path.getFileName() + ".next");
        try {
            Files.writeString(next, "workloads:\n" + workloads + policies);
            // Moved into place: a watcher never sees half a file.
            Files.move(next, path, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
        return policies;
    }

    private static String workload(Role role) {
        return """
        - uid: Kubernetes//Pod/%1$s/%2$s
          name: %2$s
          namespace: %1$s
          serviceAccount: %2$s
          trustDomain: cluster.local
          clusterId: Kubernetes
          node: %4$s
          workloadName: %2$s
          canonicalName: %2$s
          workloadIps: [%3$s]
          protocol: HBONE
          services: {}
        """
                .formatted(Role.NAMESPACE, role.name(), role.ip(), role.node());
    }
}
