package io.ztunnel.observe;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/// Writes one scrape as OpenMetrics text (docs/spec/config-observability-dns.md 3.2).
///
/// The shards are summed first, so each label set appears once. Families without samples are left
/// out. Written by hand rather than with a metrics library: the order of labels and of families,
/// counters whose label sets are rendered once and used five times, and escaping are the whole
/// matter, and a library would want to own the counters, too.
final class MetricsExposition {
    private final Metrics metrics;
    private final LineBuffer out = new LineBuffer(16 << 10);
    private final Map<TrafficKey, long[]> traffic = new LinkedHashMap<>();
    private final Map<MetricsShard.DnsKey, DnsSeries.Sum> dns = new LinkedHashMap<>();
    private final Map<Metric, Map<String, LongAdder>> rare = new EnumMap<>(Metric.class);

    MetricsExposition(Metrics metrics) {
        this.metrics = metrics;
    }

    byte[] write() {
        for (MetricsShard shard : metrics.shards()) {
            shard.eachTraffic(
                    (key, series) ->
                            series.addTo(
                                    traffic.computeIfAbsent(
                                            key, absent -> new long[TrafficSeries.CELLS])));
            shard.eachDns(
                    (key, series) ->
                            series.addTo(dns.computeIfAbsent(key, absent -> new DnsSeries.Sum())));
        }
        for (Map.Entry<Metrics.Cell, LongAdder> each : metrics.counters()) {
            rare.computeIfAbsent(each.getKey().metric(), absent -> new HashMap<>())
                    .put(each.getKey().labels(), each.getValue());
        }
        process();
        header(Metric.BUILD);
        out.text("istio_build{component=\"ztunnel\"");
        TrafficLabels.label(out, ",tag=", metrics.istioVersion());
        out.text("} 1\n");
        rare(Metric.XDS_TERMINATIONS, Metric.XDS_MESSAGES, Metric.XDS_BYTES);
        controlPlane(metrics.controlPlane());
        mesh(metrics.mesh());
        traffic();
        sockets();
        retries();
        policies();
        rare(
                Metric.ON_DEMAND_DNS,
                Metric.CRL_REJECTIONS,
                Metric.CRL_UNTRACKED,
                Metric.CRL_LISTS,
                Metric.CRL_REVOKED,
                Metric.CRL_STALE,
                Metric.CRL_FAILURES,
                Metric.CRL_OWN);
        tunnels();
        dns();
        byReason(Metric.DNS_BAD_MESSAGES, MetricsShard::badDns);
        rare(Metric.PODS_ACTIVE, Metric.PODS_PENDING, Metric.PODS_STARTED, Metric.PODS_STOPPED);
        NodeAgentFacts agent = metrics.nodeAgent();
        if (agent != null) {
            new NodeExposition(out).write(agent);
        }
        rare(Metric.POD_PORT_STRANGERS);
        out.text("# EOF\n");
        return out.copy();
    }

    private void process() {
        known(Metric.PROCESS_OPEN_FDS, ProcessFacts.openFds());
        known(Metric.PROCESS_MAX_FDS, ProcessFacts.maxFds());
        Runtime runtime = Runtime.getRuntime();
        known(Metric.JAVA_HEAP_USED, runtime.totalMemory() - runtime.freeMemory());
        known(Metric.JAVA_HEAP_COMMITTED, runtime.totalMemory());
        known(Metric.JAVA_GC_PAUSES, ProcessFacts.gcCount());
        header(Metric.JAVA_GC_SECONDS);
        seconds(out.text(Metric.JAVA_GC_SECONDS.sample()).put(' '), ProcessFacts.gcMillis() * 1e-3);
        known(Metric.JAVA_THREADS, ProcessFacts.threads());
        known(Metric.JAVA_WORKERS, metrics.shards().size());
        known(Metric.JAVA_LOG_DROPPED, metrics.droppedLogLines());
        long overflowed = 0;
        for (MetricsShard shard : metrics.shards()) {
            overflowed += shard.overflowed();
        }
        known(Metric.JAVA_SERIES_OVERFLOWED, overflowed);
        byReason(Metric.JAVA_REFUSED, MetricsShard::refused);
        byReason(Metric.JAVA_REAPED, MetricsShard::reaped);
        long sockets = 0;
        long buffered = 0;
        for (MetricsShard shard : metrics.shards()) {
            sockets += shard.socketsTaken();
            buffered += shard.buffered();
        }
        known(Metric.JAVA_SOCKETS_TAKEN, sockets);
        known(Metric.JAVA_BUFFERED, buffered);
        rare(Metric.JAVA_LOOPS_STUCK, Metric.JAVA_LOOP_STALLS, Metric.JAVA_THREADS_AWAY);
        happened(Metric.JAVA_SOURCES_REFUSED, sum(MetricsShard::sourcesRefused));
        happened(Metric.JAVA_SOURCES_UNANSWERED, sum(MetricsShard::sourcesUnanswered));
    }

    private void byReason(Metric metric, Function<MetricsShard, Map<String, LongAdder>> counters) {
        Map<String, Long> sums = new TreeMap<>();
        for (MetricsShard shard : metrics.shards()) {
            counters.apply(shard)
                    .forEach((reason, count) -> sums.merge(reason, count.sum(), Long::sum));
        }
        if (sums.isEmpty()) {
            return;
        }
        header(metric);
        sums.forEach(
                (reason, count) -> {
                    out.text(metric.sample()).text("{reason=\"").text(reason).text("\"} ");
                    out.number(count).put('\n');
                });
    }

    private void controlPlane(@Nullable ControlPlaneFacts facts) {
        if (facts == null) {
            return;
        }
        long now = System.nanoTime();
        known(Metric.XDS_CONNECTED, facts.connected() ? 1 : 0);
        known(Metric.XDS_STATE_SECONDS, secondsSince(facts.sinceNanos(), now));
        known(Metric.XDS_STREAMS, facts.streams());
        perType(Metric.XDS_SILENT_SECONDS, facts, t -> secondsSince(t.respondedNanos(), now));
        perType(Metric.XDS_RESOURCES, facts, ControlPlaneFacts.OfType::resources);
        perType(Metric.XDS_REJECTED, facts, ControlPlaneFacts.OfType::rejected);
        perType(Metric.XDS_NACKS, facts, ControlPlaneFacts.OfType::nacks);
        Long confirmed = facts.snapshotNanos();
        known(Metric.XDS_SNAPSHOT_AGE, confirmed == null ? -1 : secondsSince(confirmed, now));
    }

    private void perType(
            Metric metric,
            ControlPlaneFacts facts,
            ToLongFunction<ControlPlaneFacts.OfType> value) {
        header(metric);
        for (ControlPlaneFacts.OfType type : facts.types()) {
            out.text(metric.sample()).put('{').text(Metrics.labels("url", type.typeUrl()));
            out.text("} ").number(value.applyAsLong(type)).put('\n');
        }
    }

    private static long secondsSince(long nanos, long now) {
        return Math.max(0, now - nanos) / 1_000_000_000;
    }

    private void mesh(@Nullable MeshFacts facts) {
        if (facts != null) {
            known(Metric.MESH_WORKLOADS, facts.workloads());
            known(Metric.MESH_SERVICES, facts.services());
            known(Metric.MESH_POLICIES, facts.policies());
            known(Metric.MESH_UNKNOWN_POLICIES, facts.unknownPolicies());
        }
    }

    private void traffic() {
        if (traffic.isEmpty()) {
            return;
        }
        List<Labelled> all = new ArrayList<>(traffic.size());
        traffic.forEach((key, sums) -> all.add(new Labelled(key, sums)));
        unflagged(Metric.TCP_OPENED, all, TrafficSeries.OPENED);
        flagged(Metric.TCP_CLOSED, all, TrafficSeries.CLOSED);
        unflagged(Metric.TCP_RECEIVED, all, TrafficSeries.RECEIVED);
        unflagged(Metric.TCP_SENT, all, TrafficSeries.SENT);
        flagged(Metric.TCP_FAILED, all, TrafficSeries.FAILED);
    }

    private void unflagged(Metric metric, List<Labelled> all, int cell) {
        header(metric);
        for (Labelled each : all) {
            sample(metric, each, ResponseFlag.NONE, each.sums[cell]);
        }
    }

    private void flagged(Metric metric, List<Labelled> all, int firstCell) {
        boolean written = false;
        for (Labelled each : all) {
            for (ResponseFlag flag : ResponseFlag.values()) {
                long value = each.sums[firstCell + flag.cell()];
                if (value > 0) {
                    if (!written) {
                        header(metric);
                        written = true;
                    }
                    sample(metric, each, flag, value);
                }
            }
        }
    }

    private void sample(Metric metric, Labelled labels, ResponseFlag flag, long value) {
        out.text(metric.sample()).put('{');
        out.bytes(labels.before, 0, labels.before.length);
        out.text(",response_flags=\"").text(flag.label()).put('"');
        out.bytes(labels.after, 0, labels.after.length);
        out.text("} ").number(value).put('\n');
    }

    private void sockets() {
        boolean written = false;
        for (Reporter reporter : Reporter.values()) {
            long open = 0;
            boolean seen = false;
            for (MetricsShard shard : metrics.shards()) {
                open += shard.socketsOpen(reporter);
                seen |= shard.sawSockets(reporter);
            }
            if (seen) {
                if (!written) {
                    header(Metric.SOCKETS_OPEN);
                    written = true;
                }
                out.text("istio_tcp_sockets_open{reporter=\"").text(reporter.label());
                out.text("\"} ").number(open).put('\n');
            }
        }
    }

    private void retries() {
        boolean written = false;
        for (ResponseFlag flag : ResponseFlag.values()) {
            long sum = sum(shard -> shard.retries(flag));
            if (sum > 0) {
                if (!written) {
                    header(Metric.CONNECT_RETRIES);
                    written = true;
                }
                out.text(Metric.CONNECT_RETRIES.sample()).text("{response_flags=\"");
                out.text(flag.label()).text("\"} ").number(sum).put('\n');
            }
        }
        happened(Metric.CONNECT_RESCUED, sum(MetricsShard::rescues));
        happened(Metric.ENDPOINTS_AVOIDED, sum(MetricsShard::avoidances));
    }

    private void policies() {
        Map<MetricsShard.DryRunKey, Long> sums = new LinkedHashMap<>();
        for (MetricsShard shard : metrics.shards()) {
            shard.eachDryRun((key, count) -> sums.merge(key, count.sum(), Long::sum));
        }
        if (!sums.isEmpty()) {
            header(Metric.POLICY_DRY_RUN);
        }
        sums.forEach(
                (key, sum) -> {
                    out.text(Metric.POLICY_DRY_RUN.sample()).put('{');
                    TrafficLabels.label(out, "policy=", key.policy());
                    out.text(",would=\"").text(key.allows() ? "allow" : "deny").text("\"} ");
                    out.number(sum).put('\n');
                });
        happened(Metric.POLICY_UNKNOWN, sum(MetricsShard::unknownPolicies));
    }

    private long sum(ToLongFunction<MetricsShard> part) {
        return metrics.shards().stream().mapToLong(part).sum();
    }

    private void happened(Metric metric, long times) {
        if (times > 0) {
            known(metric, times);
        }
    }

    private void tunnels() {
        Map<MetricsShard.TlsKey, Long> sums = new LinkedHashMap<>();
        for (MetricsShard shard : metrics.shards()) {
            shard.eachTunnelKind((key, count) -> sums.merge(key, count.sum(), Long::sum));
        }
        if (sums.isEmpty()) {
            return;
        }
        header(Metric.TUNNELS_SECURED);
        sums.forEach(
                (key, count) -> {
                    out.text(Metric.TUNNELS_SECURED.sample()).put('{');
                    TrafficLabels.label(out, "reporter=", key.reporter().label());
                    TrafficLabels.label(out, ",version=", key.version());
                    TrafficLabels.label(out, ",suite=", key.suite());
                    TrafficLabels.label(out, ",group=", key.group());
                    out.text("} ").number(count).put('\n');
                });
    }

    private void dns() {
        dnsCounter(Metric.DNS_REQUESTS, 0);
        dnsCounter(Metric.DNS_UPSTREAM_REQUESTS, 1);
        dnsCounter(Metric.DNS_UPSTREAM_FAILURES, 2);
        boolean written = false;
        for (Map.Entry<MetricsShard.DnsKey, DnsSeries.Sum> each : dns.entrySet()) {
            if (each.getValue().upstreamRequests > 0) {
                if (!written) {
                    header(Metric.DNS_UPSTREAM_SECONDS);
                    written = true;
                }
                histogram(each.getKey(), each.getValue());
            }
        }
    }

    private void dnsCounter(Metric metric, int which) {
        boolean written = false;
        for (Map.Entry<MetricsShard.DnsKey, DnsSeries.Sum> each : dns.entrySet()) {
            DnsSeries.Sum sum = each.getValue();
            long value =
                    switch (which) {
                        case 0 -> sum.requests;
                        case 1 -> sum.upstreamRequests;
                        default -> sum.upstreamFailures;
                    };
            if (value > 0) {
                if (!written) {
                    header(metric);
                    written = true;
                }
                out.text(metric.sample()).put('{');
                dnsLabels(each.getKey());
                out.text("} ").number(value).put('\n');
            }
        }
    }

    private void histogram(MetricsShard.DnsKey key, DnsSeries.Sum sum) {
        String family = Metric.DNS_UPSTREAM_SECONDS.family();
        long count = 0;
        for (long bucket : sum.buckets) {
            count += bucket;
        }
        out.text(family).text("_sum{");
        dnsLabels(key);
        seconds(out.text("} "), sum.upstreamNanos / 1e9);
        out.text(family).text("_count{");
        dnsLabels(key);
        out.text("} ").number(count).put('\n');
        long below = 0;
        for (int i = 0; i < sum.buckets.length; i++) {
            below += sum.buckets[i];
            String bound =
                    i == DnsSeries.BOUNDS.length ? "+Inf" : String.valueOf(DnsSeries.BOUNDS[i]);
            out.text(family).text("_bucket{le=\"").text(plain(bound)).text("\",");
            dnsLabels(key);
            out.text("} ").number(below).put('\n');
        }
    }

    private void dnsLabels(MetricsShard.DnsKey key) {
        TrafficLabels.label(out, "request_query_type=", key.queryType());
        TrafficLabels.label(out, ",request_protocol=", key.protocol());
        TrafficLabels.label(out, ",source_canonical_service=", key.canonicalService());
        TrafficLabels.label(out, ",source_canonical_revision=", key.canonicalRevision());
    }

    private void rare(Metric... families) {
        for (Metric family : families) {
            Map<String, LongAdder> samples = rare.get(family);
            if (samples == null) {
                continue;
            }
            header(family);
            samples.forEach(
                    (labels, value) -> {
                        out.text(family.sample());
                        if (!labels.isEmpty()) {
                            out.put('{').text(labels).put('}');
                        }
                        out.put(' ').number(value.sum()).put('\n');
                    });
        }
    }

    private void known(Metric metric, long value) {
        if (value >= 0) {
            header(metric);
            out.text(metric.sample()).put(' ').number(value).put('\n');
        }
    }

    private void header(Metric metric) {
        out.text(metric.header());
    }

    private static void seconds(LineBuffer out, double value) {
        out.text(Double.toString(value)).put('\n');
    }

    /// `5.0E-4` is how Java writes the smallest bound.
    private static String plain(String bound) {
        return bound.equals("5.0E-4") ? "0.0005" : bound;
    }

    /// The rendered labels of one key and its sums.
    private static final class Labelled {
        final byte[] before;
        final byte[] after;
        final long[] sums;

        Labelled(TrafficKey key, long[] sums) {
            LineBuffer half = new LineBuffer(1024);
            TrafficLabels.beforeFlag(half, key);
            before = half.copy();
            half.clear();
            TrafficLabels.afterFlag(half, key);
            after = half.copy();
            this.sums = sums;
        }
    }
}
