package io.ztunnel.ca.testkit;

import org.jspecify.annotations.Nullable;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CopyOnWriteArraySet;

/// Who calls, and whether that node may have that identity: the checks of
/// docs/spec/identity-and-tls.md 4.1 (Kubernetes tokens) and 4.2, numbered as there.
///
/// The tables may change at any time from any thread.
public final class NodeAuthorizer {
    /// What the API server would say about a token.
    public record Caller(
            String cluster, String namespace, String serviceAccount, String pod, String podUid) {
        public String spiffeId(String trustDomain) {
            return "spiffe://" + trustDomain + "/ns/" + namespace + "/sa/" + serviceAccount;
        }
    }

    /// A pod as the informer of a cluster would have it.
    public record Pod(
            String cluster,
            String namespace,
            String name,
            String uid,
            String serviceAccount,
            String node) {}

    /// Thrown with the reason that a CA logs and never tells.
    public static final class Refused extends Exception {
        private static final long serialVersionUID = 1L;

        Refused(String reason) {
            super(reason);
        }
    }

    public final Map<String, Caller> tokens = new ConcurrentHashMap<>();
    public final CopyOnWriteArrayList<Pod> pods = new CopyOnWriteArrayList<>();

    /// `namespace/serviceaccount`; none switches impersonation off.
    public final Set<String> trustedAccounts =
            new CopyOnWriteArraySet<>(Set.of("istio-system/ztunnel"));

    /// The remote clusters this CA knows, besides its own.
    public final Set<String> remoteClusters = new CopyOnWriteArraySet<>();

    /// Alias to cluster; counts for authentication only (check 1 looks at the exact id).
    public final Map<String, String> aliases = new ConcurrentHashMap<>();

    private final String primary;

    /// Skips checks 3 to 7; for demos without a table of pods.
    private volatile boolean anyIdentity;

    public NodeAuthorizer(String primary) {
        this.primary = primary;
    }

    public NodeAuthorizer anyIdentity() {
        anyIdentity = true;
        return this;
    }

    /// 4.1: the caller, or why there is none.
    public Caller authenticate(@Nullable String authorization, @Nullable String clusterId)
            throws Refused {
        if (authorization == null) {
            throw new Refused("no authorization header");
        }
        if (!authorization.startsWith("Bearer ")) {
            throw new Refused("failed to extract bearer token from the authorization header");
        }
        String cluster = cluster(clusterId == null ? "" : clusterId);
        Caller caller = tokens.get(authorization.substring("Bearer ".length()));
        if (caller == null || !caller.cluster().equals(cluster)) {
            throw new Refused("failed to validate the token: invalid bearer token");
        }
        return caller;
    }

    private String cluster(String id) throws Refused {
        String real = aliases.getOrDefault(id, id);
        if (real.isEmpty() || real.equals(primary)) {
            return primary;
        }
        if (remoteClusters.contains(real)) {
            return real;
        }
        throw new Refused(
                "client claims to be in cluster "
                        + id
                        + ", known are "
                        + primary
                        + " and "
                        + remoteClusters);
    }

    /// 4.2: returns if the caller may have a certificate of that identity.
    public void authorize(Caller caller, @Nullable String clusterId, String requested)
            throws Refused {
        if (trustedAccounts.isEmpty()) {
            throw new Refused("impersonation not allowed");
        }
        String cluster = clusterId == null ? "" : clusterId;
        if (!cluster.equals(primary) && !remoteClusters.contains(cluster)) {
            throw new Refused("no node authorizer for cluster " + cluster);
        }
        if (!trustedAccounts.contains(caller.namespace() + "/" + caller.serviceAccount())) {
            throw new Refused(
                    caller.namespace()
                            + "/"
                            + caller.serviceAccount()
                            + " not allowed to impersonate");
        }
        String[] parts = requested.split("/", -1);
        boolean parses =
                requested.startsWith("spiffe://")
                        && parts.length == 7
                        && parts[3].equals("ns")
                        && parts[5].equals("sa");
        if (!parses) {
            throw new Refused("failed to validate impersonated identity " + requested);
        }
        if (anyIdentity) {
            return;
        }
        Pod self = callerPod(caller, cluster);
        boolean onNode =
                pods.stream()
                        .anyMatch(
                                pod ->
                                        pod.cluster().equals(cluster)
                                                && pod.namespace().equals(parts[4])
                                                && pod.serviceAccount().equals(parts[6])
                                                && pod.node().equals(self.node()));
        if (!onNode) {
            throw new Refused("no instances of " + requested + " found on node " + self.node());
        }
    }

    private Pod callerPod(Caller caller, String cluster) throws Refused {
        Pod self =
                pods.stream()
                        .filter(
                                pod ->
                                        pod.cluster().equals(cluster)
                                                && pod.namespace().equals(caller.namespace())
                                                && pod.name().equals(caller.pod()))
                        .findFirst()
                        .orElseThrow(() -> new Refused("pod " + caller.pod() + " not found"));
        if (!self.uid().equals(caller.podUid())) {
            throw new Refused("pod " + caller.pod() + ": UID does not match");
        }
        if (!self.serviceAccount().equals(caller.serviceAccount())) {
            throw new Refused("pod " + caller.pod() + ": ServiceAccount does not match");
        }
        return self;
    }
}
