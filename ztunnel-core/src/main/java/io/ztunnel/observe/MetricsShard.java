package io.ztunnel.observe;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiConsumer;

/// The counters of one worker. Label sets are interned here: a connection holds one reference, and
/// its bytes are an addition to a number nobody else writes.
///
/// Owned by the worker's loop; a scrape reads from another thread (weakly consistent, as a scrape
/// is). The number of label sets is bounded: beyond `maxSeries` new ones are counted together under
/// the value `other`, because baggage of a peer must not fill our memory (reference: unbounded).
public final class MetricsShard {
    /// Ten thousand label sets are about 8 MB of a scrape; a node sees a few hundred.
    static final int DEFAULT_MAX_SERIES = 10_000;

    private final Map<TrafficKey, TrafficSeries> traffic = new ConcurrentHashMap<>();
    private final Map<DnsKey, DnsSeries> dns = new ConcurrentHashMap<>();
    private final Map<TlsKey, LongAdder> tunnels = new ConcurrentHashMap<>();
    private final LongAdder overflowed = new LongAdder();
    private final LongAdder[] socketsOpen = {new LongAdder(), new LongAdder()};
    private final LongAdder[] socketsSeen = {new LongAdder(), new LongAdder()};
    private final LongAdder[] retries = new LongAdder[ResponseFlag.COUNT];
    private final LongAdder rescued = new LongAdder();
    private final LongAdder avoided = new LongAdder();
    private final Map<DryRunKey, LongAdder> dryRun = new ConcurrentHashMap<>();
    private final LongAdder unknownPolicies = new LongAdder();
    private final LongAdder sourcesRefused = new LongAdder();
    private final LongAdder sourcesUnanswered = new LongAdder();
    private final Map<String, LongAdder> refused = new ConcurrentHashMap<>();
    private final Map<String, LongAdder> reaped = new ConcurrentHashMap<>();
    private final Map<String, LongAdder> badDns = new ConcurrentHashMap<>();
    private final AtomicLong socketsTaken = new AtomicLong();
    private final AtomicLong buffered = new AtomicLong();
    private final int maxSeries;

    MetricsShard(int maxSeries) {
        this.maxSeries = maxSeries;
        for (int i = 0; i < retries.length; i++) {
            retries[i] = new LongAdder();
        }
    }

    TrafficSeries traffic(TrafficKey key) {
        TrafficSeries known = traffic.get(key);
        if (known != null) {
            return known;
        }
        TrafficKey counted = key;
        if (traffic.size() >= maxSeries) {
            overflowed.increment();
            counted = TrafficKey.overflow(key.reporter());
        }
        return traffic.computeIfAbsent(counted, absent -> new TrafficSeries());
    }

    /// The counters of one kind of DNS question. Keep the result per client where that is easy.
    ///
    /// @param queryType lower case, `unknown` without exactly one question
    /// @param protocol `udp` or `tcp`
    public DnsSeries dns(String queryType, String protocol, Party client) {
        return dns.computeIfAbsent(
                new DnsKey(
                        queryType, protocol, client.canonicalService(), client.canonicalRevision()),
                absent -> new DnsSeries());
    }

    void retried(ResponseFlag failure) {
        retries[failure.cell()].increment();
    }

    void rescued() {
        rescued.increment();
    }

    void avoided() {
        avoided.increment();
    }

    void dryRun(String policy, boolean allows) {
        dryRun.computeIfAbsent(new DryRunKey(policy, allows), absent -> new LongAdder())
                .increment();
    }

    void unknownPolicy() {
        unknownPolicies.increment();
    }

    /// A connection could not keep its client's address.
    public void sourceRefused() {
        sourcesRefused.increment();
    }

    /// A connection that kept its client's address was not answered.
    public void sourceUnanswered() {
        sourcesUnanswered.increment();
    }

    long sourcesRefused() {
        return sourcesRefused.sum();
    }

    long sourcesUnanswered() {
        return sourcesUnanswered.sum();
    }

    long retries(ResponseFlag failure) {
        return retries[failure.cell()].sum();
    }

    long rescues() {
        return rescued.sum();
    }

    long avoidances() {
        return avoided.sum();
    }

    long unknownPolicies() {
        return unknownPolicies.sum();
    }

    void eachDryRun(BiConsumer<DryRunKey, LongAdder> visitor) {
        dryRun.forEach(visitor);
    }

    /// A connection was refused because a budget was spent.
    ///
    /// @param reason the budget's name
    public void refused(String reason) {
        refused.computeIfAbsent(reason, absent -> new LongAdder()).increment();
    }

    /// A connection was ended because nothing moved on it.
    ///
    /// @param reason a constant
    public void reaped(String reason) {
        reaped.computeIfAbsent(reason, absent -> new LongAdder()).increment();
    }

    /// A DNS message was not understood or not wanted.
    ///
    /// @param reason a constant
    public void badDnsMessage(String reason) {
        badDns.computeIfAbsent(reason, absent -> new LongAdder()).increment();
    }

    /// What is in use now, told from time to time.
    public void level(long sockets, long bytes) {
        socketsTaken.setOpaque(sockets);
        buffered.setOpaque(bytes);
    }

    Map<String, LongAdder> refused() {
        return refused;
    }

    Map<String, LongAdder> reaped() {
        return reaped;
    }

    Map<String, LongAdder> badDns() {
        return badDns;
    }

    long socketsTaken() {
        return socketsTaken.getOpaque();
    }

    long buffered() {
        return buffered.getOpaque();
    }

    /// What a peer can choose among are a handful of values each.
    void tunnelSecured(Reporter reporter, String version, String suite, String group) {
        tunnels.computeIfAbsent(
                        new TlsKey(reporter, version, suite, group), absent -> new LongAdder())
                .increment();
    }

    void eachTunnelKind(BiConsumer<TlsKey, LongAdder> visitor) {
        tunnels.forEach(visitor);
    }

    void socketOpened(Reporter reporter) {
        socketsOpen[reporter.cell()].increment();
        socketsSeen[reporter.cell()].increment();
    }

    void socketClosed(Reporter reporter) {
        socketsOpen[reporter.cell()].decrement();
    }

    long socketsOpen(Reporter reporter) {
        return socketsOpen[reporter.cell()].sum();
    }

    /// Whether the gauge has a sample at all: families without one are left out.
    boolean sawSockets(Reporter reporter) {
        return socketsSeen[reporter.cell()].sum() > 0;
    }

    long overflowed() {
        return overflowed.sum();
    }

    void eachTraffic(BiConsumer<TrafficKey, TrafficSeries> visitor) {
        traffic.forEach(visitor);
    }

    void eachDns(BiConsumer<DnsKey, DnsSeries> visitor) {
        dns.forEach(visitor);
    }

    /// How a tunnel is protected.
    record TlsKey(Reporter reporter, String version, String suite, String group) {}

    /// The labels of the DNS families, in their order (docs/spec/config-observability-dns.md 4.6).
    record DnsKey(
            String queryType, String protocol, String canonicalService, String canonicalRevision) {}

    /// A policy in dry run and what it would have done. Bounded by the policies of the node.
    record DryRunKey(String policy, boolean allows) {}
}
