package io.ztunnel.observe;

import io.ztunnel.mesh.SpiffeId;

import org.jspecify.annotations.Nullable;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.LongAdder;

/// All counters of the process: one shard per worker for what happens per connection, and here what
/// happens rarely. Any thread.
public final class Metrics {
    private final List<MetricsShard> shards = new CopyOnWriteArrayList<>();
    private final Map<Cell, LongAdder> counters = new ConcurrentHashMap<>();
    private final String istioVersion;
    private final @Nullable LogWriter log;
    private volatile @Nullable ControlPlaneFacts controlPlane;
    private volatile @Nullable MeshFacts mesh;
    private volatile @Nullable NodeAgentFacts nodeAgent;

    /// @param istioVersion the tag of `istio_build`, empty where unknown
    /// @param log whose losses are exported; null without one
    public Metrics(String istioVersion, @Nullable LogWriter log) {
        this.istioVersion = istioVersion;
        this.log = log;
    }

    /// The counters of one more worker.
    public MetricsShard newShard() {
        return newShard(MetricsShard.DEFAULT_MAX_SERIES);
    }

    MetricsShard newShard(int maxSeries) {
        MetricsShard shard = new MetricsShard(maxSeries);
        shards.add(shard);
        return shard;
    }

    /// Responses arrived on the xDS stream.
    ///
    /// @param bytes the sum of the sizes of their resources
    public void xdsMessages(String typeUrl, long responses, long bytes) {
        add(Metric.XDS_MESSAGES, labels("url", typeUrl), responses);
        add(Metric.XDS_BYTES, labels("url", typeUrl), bytes);
    }

    /// The xDS stream ended.
    public void xdsTermination(XdsEnd reason) {
        add(Metric.XDS_TERMINATIONS, labels("reason", reason.label), 1);
    }

    /// How it stands with the control plane now.
    public void controlPlane(ControlPlaneFacts now) {
        controlPlane = now;
    }

    /// How large the mesh is now.
    public void mesh(MeshFacts now) {
        mesh = now;
    }

    /// The number of pods with a running proxy went up or down.
    public void activePods(int change) {
        add(Metric.PODS_ACTIVE, "", change);
    }

    /// The number of pods that wait for another attempt went up or down.
    public void pendingPods(int change) {
        add(Metric.PODS_PENDING, "", change);
    }

    public void podStarted() {
        add(Metric.PODS_STARTED, "", 1);
    }

    public void podStopped() {
        add(Metric.PODS_STOPPED, "", 1);
    }

    /// How it stands with the CNI node agent now.
    public void nodeAgent(NodeAgentFacts now) {
        nodeAgent = now;
    }

    /// What the process sees of itself. One thread at a time.
    ///
    /// @param loopsStuck now
    /// @param stalls since the last call
    /// @param threadsAway now in another network namespace
    public void self(int loopsStuck, long stalls, int threadsAway) {
        set(Metric.JAVA_LOOPS_STUCK, loopsStuck);
        add(Metric.JAVA_LOOP_STALLS, "", stalls);
        set(Metric.JAVA_THREADS_AWAY, threadsAway);
    }

    /// Ports of ours that are shared with strangers now. One thread at a time.
    public void portStrangers(int ports) {
        set(Metric.POD_PORT_STRANGERS, ports);
    }

    /// A connection was refused or cut because the peer's certificate is revoked.
    public void revoked(Reporter reporter) {
        add(Metric.CRL_REJECTIONS, labels("reporter", reporter.label()), 1);
    }

    /// A connection could not be put under the watch of revocation.
    public void revocationUntracked(Reporter reporter) {
        add(Metric.CRL_UNTRACKED, labels("reporter", reporter.label()), 1);
    }

    /// What the revocation file says now. One thread at a time.
    ///
    /// @param lists in force
    /// @param revoked certificates in them
    /// @param stale lists past their nextUpdate
    /// @param own of this node's certificates that they revoke
    public void revocations(int lists, int revoked, int stale, int own) {
        set(Metric.CRL_LISTS, lists);
        set(Metric.CRL_REVOKED, revoked);
        set(Metric.CRL_STALE, stale);
        set(Metric.CRL_OWN, own);
    }

    /// A version of the revocation file was not taken.
    public void revocationFileFailed() {
        add(Metric.CRL_FAILURES, "", 1);
    }

    /// The host name of a workload was resolved, from the cache or not.
    ///
    /// @param identity the client workload's own
    public void onDemandDns(Party client, @Nullable SpiffeId identity, String hostname) {
        LineBuffer out = new LineBuffer(256);
        TrafficLabels.client(out, client, identity);
        TrafficLabels.label(out, ",hostname=", hostname);
        add(Metric.ON_DEMAND_DNS, out.toString().substring(1), 1);
    }

    /// Everything, as OpenMetrics text.
    public byte[] expose() {
        return new MetricsExposition(this).write();
    }

    void add(Metric metric, String labels, long amount) {
        counters.computeIfAbsent(new Cell(metric, labels), absent -> new LongAdder()).add(amount);
    }

    private void set(Metric metric, long value) {
        LongAdder gauge = counters.computeIfAbsent(new Cell(metric, ""), absent -> new LongAdder());
        gauge.add(value - gauge.sum());
    }

    Collection<Map.Entry<Cell, LongAdder>> counters() {
        return counters.entrySet();
    }

    List<MetricsShard> shards() {
        return shards;
    }

    @Nullable ControlPlaneFacts controlPlane() {
        return controlPlane;
    }

    @Nullable MeshFacts mesh() {
        return mesh;
    }

    @Nullable NodeAgentFacts nodeAgent() {
        return nodeAgent;
    }

    String istioVersion() {
        return istioVersion;
    }

    long droppedLogLines() {
        return log == null ? 0 : log.droppedLines();
    }

    static String labels(String name, String value) {
        LineBuffer out = new LineBuffer(64);
        TrafficLabels.label(out, name + "=", value);
        return out.toString();
    }

    /// Why a stream ended (docs/spec/config-observability-dns.md 4.5).
    public enum XdsEnd {
        CONNECTION_ERROR("ConnectionError"),
        ERROR("Error"),
        RECONNECT("Reconnect"),
        COMPLETE("Complete");

        private final String label;

        XdsEnd(String label) {
            this.label = label;
        }
    }

    /// A counter by its family and its rendered labels.
    record Cell(Metric metric, String labels) {}
}
