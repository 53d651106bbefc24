package io.ztunnel.node;

import java.util.List;
import java.util.Map;

/// Words of the mesh file for laboratories. What a test does not care about has a usual value.
public final class MeshText {
    /// What stands where nobody says otherwise.
    private static final Map<String, String> USUAL =
            Map.of(
                    "trustDomain: ", "cluster.local",
                    "protocol: ", "HBONE",
                    "services: ", "{}");

    private MeshText() {}

    /// A workload of the namespace `default` whose service account has its name.
    ///
    /// @param ips as in `10.0.0.1, "fd00::1"`
    /// @param more further fields, or others in place of the usual ones; may be several lines
    public static String workload(String name, String ips, String... more) {
        StringBuilder text =
                new StringBuilder(
                        """
                        - uid: Kubernetes//Pod/default/%1$s
                          name: %1$s
                          namespace: default
                          clusterId: Kubernetes
                          workloadName: %1$s
                          canonicalName: %1$s
                          workloadIps: [%2$s]
                        """
                                .formatted(name, ips));
        String fields = String.join("\n", more);
        if (!says(fields, "serviceAccount: ")) {
            line(text, "serviceAccount: " + name);
        }
        List.copyOf(USUAL.keySet()).stream()
                .sorted()
                .filter(field -> !says(fields, field))
                .forEach(field -> line(text, field + USUAL.get(field)));
        fields.lines().filter(each -> !each.isBlank()).forEach(each -> line(text, each));
        return text.toString();
    }

    private static boolean says(String fields, String field) {
        return fields.lines().anyMatch(each -> each.startsWith(field));
    }

    private static void line(StringBuilder text, String field) {
        text.append("  ").append(field).append('\n');
    }

    /// A service of the namespace `default`.
    ///
    /// @param ports as in `{80: 8080}`
    /// @param more further fields, without an indent; may be several lines
    public static String service(String name, String vip, String ports, String... more) {
        StringBuilder text =
                new StringBuilder(
                        """
                        - name: %1$s
                          namespace: default
                          hostname: %1$s.default.svc.cluster.local
                          vips: ["/%2$s"]
                          ports: %3$s
                        """
                                .formatted(name, vip, ports));
        for (String each : more) {
            each.lines().filter(field -> !field.isBlank()).forEach(field -> line(text, field));
        }
        return text.toString();
    }

    /// The field that lists the endpoints of a service, all with the same ports.
    ///
    /// @param ports as in `{80: 8080}`
    public static String endpoints(String ports, String... workloads) {
        StringBuilder text = new StringBuilder("endpoints:\n");
        for (String workload : workloads) {
            text.append(
                    """
                      "Kubernetes//Pod/default/%1$s:":
                        workloadUid: "Kubernetes//Pod/default/%1$s"
                        port: %2$s
                        status: Healthy
                    """
                            .formatted(workload, ports));
        }
        return text.toString();
    }
}
