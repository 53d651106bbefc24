package io.ztunnel.observe;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.mesh.SpiffeId;

import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

import java.io.ByteArrayOutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicLong;

/// docs/spec/config-observability-dns.md 3.2, 4 and 5.5.
class ConnectionRecordTest {
    private static final SpiffeId CART = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/cart");
    private static final SpiffeId REDIS = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/redis");

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final AtomicLong now = new AtomicLong();
    private final Queue<Runnable> loop = new ArrayDeque<>();

    @Test
    void theExampleOfTheSpecificationLineForLine() {
        Metrics metrics = new Metrics("1.30.0", null);
        Observer observer = observer(metrics, LogFormat.PLAIN);

        ConnectionRecord record = observer.open(outbound(), 0);
        record.clientToServer(67);
        record.serverToClient(490);
        now.set(13_900_000);
        record.close(Outcome.ok());
        record.close(Outcome.failed(ResponseFlag.CONNECT, "too late"));

        assertThat(written())
                .isEqualTo(
                        "2030-01-01T00:00:00.000001Z\tinfo\taccess\tconnection complete"
                                + "\tsrc.addr=10.1.2.3:40112 src.workload=\"cart-1\""
                                + " src.namespace=\"shop\""
                                + " src.identity=\"spiffe://cluster.local/ns/shop/sa/cart\""
                                + " src.cluster=\"Kubernetes\" dst.addr=10.1.5.5:15008"
                                + " dst.hbone_addr=10.1.5.5:6379"
                                + " dst.service=\"redis.shop.svc.cluster.local\""
                                + " dst.workload=\"redis-0\" dst.namespace=\"shop\""
                                + " dst.identity=\"spiffe://cluster.local/ns/shop/sa/redis\""
                                + " dst.cluster=\"Kubernetes\" direction=\"outbound\" bytes_sent=67"
                                + " bytes_recv=490 duration=\"13ms\"\n");
        assertThat(exposed(metrics))
                .contains(
                        "istio_tcp_connections_opened_total{reporter=\"source\",source_workload=\"cart\","
                            + "source_canonical_service=\"cart\",source_canonical_revision=\"v1\","
                            + "source_workload_namespace=\"shop\","
                            + "source_principal=\"spiffe://cluster.local/ns/shop/sa/cart\","
                            + "source_app=\"cart\",source_version=\"v1\",source_cluster=\"Kubernetes\","
                            + "destination_service=\"redis.shop.svc.cluster.local\","
                            + "destination_service_namespace=\"shop\","
                            + "destination_service_name=\"redis\",destination_workload=\"redis\","
                            + "destination_canonical_service=\"redis\","
                            + "destination_canonical_revision=\"latest\","
                            + "destination_workload_namespace=\"shop\","
                            + "destination_principal=\"spiffe://cluster.local/ns/shop/sa/redis\","
                            + "destination_app=\"redis\",destination_version=\"latest\","
                            + "destination_cluster=\"Kubernetes\",request_protocol=\"tcp\","
                            + "response_flags=\"-\",connection_security_policy=\"mutual_tls\","
                            + "source_region=\"r1\",source_zone=\"unknown\",destination_region=\"r1\",destination_zone=\"unknown\"}"
                            + " 1\n")
                .contains("# HELP istio_build ")
                .contains("istio_build{component=\"ztunnel\",tag=\"1.30.0\"} 1\n")
                .doesNotContain("istio_tcp_connections_failed")
                .endsWith("# EOF\n");
    }

    @Test
    void bytesAreVisibleWhileTheConnectionLives() {
        Metrics metrics = new Metrics("", null);
        ConnectionRecord record = observer(metrics, LogFormat.PLAIN).open(outbound(), 0);
        assertThat(value(metrics, "istio_tcp_received_bytes_total{")).isEqualTo("0");
        record.clientToServer(11);
        record.serverToClient(22);
        assertThat(value(metrics, "istio_tcp_received_bytes_total{")).isEqualTo("11");
        assertThat(value(metrics, "istio_tcp_sent_bytes_total{")).isEqualTo("22");
    }

    @Test
    void aFailureCarriesItsFlagAndADrainCountsAsNone() {
        Metrics metrics = new Metrics("", null);
        Observer observer = observer(metrics, LogFormat.JSON);
        observer.open(outbound(), 0).close(Outcome.failed(ResponseFlag.DENY, "no \"entry\""));
        observer.open(outbound(), 0).close(Outcome.drained());

        assertThat(written())
                .contains(
                        "{\"level\":\"error\",\"time\":\"2030-01-01T00:00:00.000001Z\","
                                + "\"scope\":\"access\",\"message\":\"connection complete\","
                                + "\"src.addr\":\"10.1.2.3:40112\"")
                .contains(
                        "\"bytes_sent\":0,\"bytes_recv\":0,\"duration\":\"0ms\","
                                + "\"error\":\"no \\\"entry\\\"\"}\n")
                .contains("\"error\":\"connection closed due to connection drain\"");
        assertThat(
                        exposed(metrics)
                                .lines()
                                .filter(
                                        line ->
                                                line.startsWith(
                                                        "istio_tcp_connections_failed_total")))
                .singleElement()
                .asString()
                .contains("response_flags=\"DENY\"");
    }

    @Test
    void theInboundSideLogsBytesFromItsOwnPodAndPlaintextHasNoIdentities() {
        ConnectionDescription inbound =
                new ConnectionDescription(
                        Reporter.DESTINATION,
                        new InetSocketAddress("2001:db8::1", 5),
                        Party.unknown(),
                        CART,
                        new InetSocketAddress("10.1.5.5", 80),
                        null,
                        null,
                        redis(),
                        null,
                        false);
        Metrics metrics = new Metrics("", null);
        ConnectionRecord record = observer(metrics, LogFormat.PLAIN).open(inbound, 0);
        record.clientToServer(11);
        record.serverToClient(22);
        record.close(Outcome.ok());

        assertThat(written())
                .contains(
                        "\tsrc.addr=[2001:db8::1]:5 dst.addr=10.1.5.5:80 dst.workload=\"redis-0\"")
                .contains("direction=\"inbound\" bytes_sent=22 bytes_recv=11")
                .doesNotContain("identity");
        assertThat(exposed(metrics))
                .contains("source_principal=\"unknown\"")
                .contains("destination_principal=\"" + REDIS + "\"")
                .contains("connection_security_policy=\"unknown\"");
    }

    @Test
    void anEarlyDenialIsALineAndNothingElse() {
        Metrics metrics = new Metrics("", null);
        observer(metrics, LogFormat.PLAIN)
                .denied(
                        new InetSocketAddress("10.0.0.1", 1),
                        new InetSocketAddress("10.0.0.2", 2),
                        "inbound",
                        "a\nb");
        assertThat(written())
                .isEqualTo(
                        "2030-01-01T00:00:00.000001Z\twarn\taccess\tconnection failed\t"
                                + "src.addr=10.0.0.1:1 dst.addr=10.0.0.2:2 direction=\"inbound\" "
                                + "error=\"a\\nb\"\n");
        assertThat(exposed(metrics)).doesNotContain("istio_tcp_");
    }

    @Test
    void hostileTextCannotBreakAScrapeAndTooManyLabelSetsAreCountedTogether() {
        Metrics metrics = new Metrics("", null);
        MetricsShard shard = metrics.newShard(1);
        Observer observer = observer(shard, LogFormat.PLAIN);
        for (String name : new String[] {"a\"b\\c\nd", "second", "third"}) {
            Party peer = Party.ofBaggage("c", "n", name, null, "", null, null);
            observer.open(
                    new ConnectionDescription(
                            Reporter.SOURCE,
                            new InetSocketAddress("::1", 1),
                            peer,
                            null,
                            new InetSocketAddress("::1", 2),
                            null,
                            null,
                            Party.unknown(),
                            null,
                            false),
                    0);
        }
        assertThat(exposed(metrics))
                .contains("source_workload=\"a\\\"b\\\\c\\nd\"")
                .contains("source_workload=\"other\"")
                .contains("ztunnel_java_traffic_series_overflowed_total 2\n")
                .doesNotContain("\"second\"");
    }

    @Test
    void rareFamiliesAndDnsAppearWithTheirFirstSample() {
        Metrics metrics = new Metrics("", null);
        metrics.xdsMessages("type.googleapis.com/istio.workload.Address", 1, 52011);
        metrics.xdsTermination(Metrics.XdsEnd.RECONNECT);
        metrics.activePods(2);
        metrics.activePods(-1);
        DnsSeries dns = metrics.newShard().dns("a", "udp", redis());
        dns.request();
        dns.forwarded();
        dns.forwardEnded(2_000_000, true);
        assertThat(exposed(metrics))
                .contains(
                        "# TYPE istio_xds_message_bytes counter\n"
                            + "# UNIT istio_xds_message_bytes bytes\n"
                            + "istio_xds_message_bytes_total{url=\"type.googleapis.com/istio.workload.Address\"}"
                            + " 52011\n")
                .contains("istio_xds_connection_terminations_total{reason=\"Reconnect\"} 1\n")
                .contains("workload_manager_active_proxy_count 1\n")
                .contains(
                        "istio_dns_upstream_request_duration_seconds_bucket{le=\"0.0005\",request_query_type=\"a\"")
                .contains(
                        "istio_dns_upstream_request_duration_seconds_bucket{le=\"0.01\",request_query_type=\"a\",request_protocol=\"udp\",source_canonical_service=\"redis\",source_canonical_revision=\"latest\"}"
                            + " 1\n");
    }

    @Test
    void aConnectionThatMovesIsOneLineAndEveryLabelSetIsBalanced() {
        Metrics metrics = new Metrics("", null);
        Observer observer = observer(metrics, LogFormat.PLAIN);
        ConnectionRecord record = observer.open(outbound(), 0);

        record.retry(ResponseFlag.NETWORK_POLICY);
        record.moveTo(to("redis-1", "redis"));
        record.retry(ResponseFlag.CONNECT);
        record.moveTo(to("other-1", "other"));
        record.clientToServer(3);
        record.close(Outcome.ok());

        assertThat(written())
                .hasLineCount(1)
                .contains(
                        "dst.workload=\"other-1\"",
                        "bytes_sent=3",
                        "duration=\"0ms\" attempts=3\n");
        for (String workload : new String[] {"redis", "other"}) {
            assertThat(sum(metrics, "istio_tcp_connections_opened_total", workload)).isEqualTo(1);
            assertThat(sum(metrics, "istio_tcp_connections_closed_total", workload)).isEqualTo(1);
        }
        // The same labels again are the same connection still; others end it there with the reason.
        assertThat(
                        exposed(metrics)
                                .lines()
                                .filter(l -> l.startsWith("istio_tcp_connections_failed")))
                .singleElement()
                .asString()
                .contains("destination_workload=\"redis\"", "response_flags=\"CONNECT\"");
        assertThat(sum(metrics, "istio_tcp_received_bytes_total", "other")).isEqualTo(3);
    }

    private static ConnectionDescription to(String pod, String workload) {
        ConnectionDescription first = outbound();
        return new ConnectionDescription(
                first.reporter(),
                first.source(),
                first.sourceParty(),
                first.sourceIdentity(),
                new InetSocketAddress("10.1.5.6", 15008),
                first.hboneAuthority(),
                first.service(),
                new Party(pod, workload, "redis", "latest", "shop", "Kubernetes", REDIS, "r1", ""),
                REDIS,
                true);
    }

    private static long sum(Metrics metrics, String sample, String workload) {
        return exposed(metrics)
                .lines()
                .filter(line -> line.startsWith(sample))
                .filter(line -> line.contains("destination_workload=\"" + workload + "\""))
                .mapToLong(line -> Long.parseLong(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    @Test
    void unstableIsSaidExactlyOfWhatIsUnstable() {
        for (Metric metric : Metric.values()) {
            String family = metric.family();
            boolean stable =
                    family.startsWith("process_")
                            || family.equals("istio_build")
                            || family.matches(
                                    "istio_tcp_(connections_(opened|closed)|(sent|received)_bytes)");
            assertThat(metric.header().contains("unstable")).as(family).isEqualTo(!stable);
        }
    }

    private static Party redis() {
        return new Party(
                "redis-0", "redis", "redis", "latest", "shop", "Kubernetes", REDIS, "r1", "");
    }

    private static ConnectionDescription outbound() {
        return new ConnectionDescription(
                Reporter.SOURCE,
                new InetSocketAddress("10.1.2.3", 40112),
                new Party("cart-1", "cart", "cart", "v1", "shop", "Kubernetes", CART, "r1", ""),
                CART,
                new InetSocketAddress("10.1.5.5", 15008),
                "10.1.5.5:6379",
                new ServiceRef("redis.shop.svc.cluster.local", "shop", "redis"),
                redis(),
                REDIS,
                true);
    }

    private LogWriter writer;

    private Observer observer(Metrics metrics, LogFormat format) {
        return observer(metrics.newShard(), format);
    }

    private Observer observer(MetricsShard shard, LogFormat format) {
        writer = new LogWriter(out, format);
        ((ch.qos.logback.classic.Logger) LoggerFactory.getLogger("access"))
                .setLevel(ch.qos.logback.classic.Level.INFO);
        InstantSource clock = InstantSource.fixed(Instant.parse("2030-01-01T00:00:00.000001Z"));
        return new Observer(
                shard,
                new AccessLog(writer, format, LoggerFactory.getLogger("access"), clock, loop::add),
                now::get);
    }

    private String written() {
        for (Runnable task = loop.poll(); task != null; task = loop.poll()) {
            task.run();
        }
        writer.close();
        return out.toString(StandardCharsets.UTF_8);
    }

    private static String exposed(Metrics metrics) {
        return new String(metrics.expose(), StandardCharsets.UTF_8);
    }

    private static String value(Metrics metrics, String start) {
        String line =
                exposed(metrics).lines().filter(l -> l.startsWith(start)).findFirst().orElseThrow();
        return line.substring(line.lastIndexOf(' ') + 1);
    }
}
