package io.ztunnel.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// How a ztunnel is run here, ours and upstream's alike: mesh from a file, certificates from a
/// local authority (docs/spec/config-observability-dns.md 1.3), and either one in each pod
/// (dedicated mode) or each on a node of its own, behind a node agent (in-pod mode).
final class ZtunnelProxies {
    /// The two service accounts.
    static final String SOURCE = "source";

    static final String DESTINATION = "destination";

    private static final String READY = "ready 15021";

    private final Lab lab;
    private final Variant variant;
    private final Authority authority;
    private final boolean inPod;
    private final Path mesh;

    ZtunnelProxies(
            Lab lab,
            Variant variant,
            Authority authority,
            boolean inPod,
            List<Pod> sources,
            Pod destination) {
        this.inPod = inPod;
        this.lab = lab;
        this.variant = variant;
        this.authority = authority;
        this.mesh = lab.directory().resolve(variant.name() + "-mesh.yaml");
        StringBuilder workloads = new StringBuilder("workloads:\n");
        sources.forEach(pod -> workloads.append(workload(pod, SOURCE, "node-a")));
        workloads.append(workload(destination, DESTINATION, "node-b"));
        try {
            Files.writeString(mesh, workloads);
        } catch (IOException problem) {
            throw new LabFailure("cannot write the mesh", problem);
        }
    }

    Proxy source(Pod pod, Agent watcher) {
        return proxy("src", pod, watcher, SOURCE, Map.of());
    }

    /// A source whose tunnels carry one connection each.
    Proxy unpooledSource(Pod pod, Agent watcher) {
        Map<String, String> alone = Map.of("POOL_MAX_STREAMS_PER_CONNECTION", "1");
        return proxy("hs", pod, watcher, SOURCE, alone);
    }

    Proxy destination(Pod pod, Agent watcher) {
        return proxy("dst", pod, watcher, DESTINATION, Map.of());
    }

    private Proxy proxy(
            String role, Pod pod, Agent watcher, String account, Map<String, String> extra) {
        if (inPod) {
            return node(role, List.of(pod), account, extra);
        }
        Redirection.apply(pod, lab.hub().address());
        Map<String, String> settings = common(account, account);
        settings.put("PROXY_MODE", "dedicated");
        settings.put("PROXY_WORKLOAD_INFO", "default/" + podName(pod) + "/" + account);
        // The reply to a client's address needs rules that a dedicated pod has not.
        settings.put("ENABLE_ORIG_SRC", "false");
        settings.put("PACKET_MARK", "1337");
        settings.putAll(extra);
        String name = variant.name() + "-" + role;
        return new Proxy(lab, name, pod, variant.command(), settings, watcher, READY);
    }

    /// One daemon that serves pods from a namespace of its own, as on a node of Kubernetes.
    Proxy node(String role, List<Pod> pods, String account, Map<String, String> extra) {
        String name = variant.name() + "-" + role + "-node";
        Pod home = lab.pod(name);
        Agent watcher = Agent.start(lab, name + "-watch", home);
        pods.forEach(pod -> Redirection.apply(pod, lab.hub().address()));
        Path socket = lab.directory().resolve(name + ".sock");
        Map<String, String> settings = common(account, AuthorityMain.NODE_TOKEN);
        settings.put("PROXY_MODE", "shared");
        settings.put("INPOD_UDS", NodeAgent.start(socket, pods, account).path().toString());
        settings.putAll(extra);
        return new Proxy(lab, name, home, variant.command(), settings, watcher, READY);
    }

    private Map<String, String> common(String account, String token) {
        Map<String, String> settings = new HashMap<>();
        settings.put("NODE_NAME", account.equals(SOURCE) ? "node-a" : "node-b");
        settings.put("LOCAL_XDS_PATH", mesh.toString());
        settings.put("XDS_ADDRESS", "");
        settings.put("CA_ADDRESS", "https://" + authority.address());
        settings.put("CA_ROOT_CA", authority.root().toString());
        settings.put("AUTH_TOKEN", token);
        settings.put("ISTIO_META_DNS_CAPTURE", "false");
        settings.put("ZTUNNEL_WORKER_THREADS", "2");
        return settings;
    }

    private static String workload(Pod pod, String account, String node) {
        return """
        - uid: Kubernetes//Pod/default/%1$s
          name: %1$s
          namespace: default
          serviceAccount: %2$s
          trustDomain: cluster.local
          clusterId: Kubernetes
          network: ""
          workloadIps: ["%3$s"]
          protocol: HBONE
          node: %4$s
          services: {}
        """
                .formatted(podName(pod), account, pod.address(), node);
    }

    private static String podName(Pod pod) {
        return pod.netns();
    }
}
