package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.dns.DnsRecordType;
import io.ztunnel.testkit.DnsServer;
import io.ztunnel.testkit.DnsServer.Content;
import io.ztunnel.testkit.DnsServer.Data;
import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.Prerequisites;
import io.ztunnel.testkit.Redirection;
import io.ztunnel.testkit.Shell;

import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// Names that a captured pod asks for, as the chart has it by default: whoever it asks, our daemon
/// answers (docs/spec/config-observability-dns.md 6). The client is `dig`, and the C library.
@Tag("netns")
@Timeout(120)
@ParameterizedClass(name = "{0}")
@EnumSource(Redirection.Backend.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DnsNetnsIT {
    private static final int LATE = Integer.MAX_VALUE - 10;
    private static final InetAddress FABRIC = InetAddress.ofLiteral("172.172.0.1");

    /// Nobody is there, so nobody but our daemon can answer.
    private static final String CLUSTER_DNS = "@10.96.0.10";

    private static final String CLUSTER_DNS_V6 = "@fd00:10:96::a";

    @Parameter Redirection.Backend backend;

    private static NodeLab lab;
    private static NodeDaemon near;
    private static Pod client;
    private static Pod shop;
    private static DnsServer upstream;

    @BeforeParameterizedClassInvocation
    static void build(Redirection.Backend backend, @TempDir Path parent) throws IOException {
        Prerequisites.require("dig");
        Path folder = Files.createDirectory(parent.resolve(backend.name()));
        lab =
                new NodeLab(
                        folder,
                        backend == Redirection.Backend.NFT
                                ? Redirection.nft()
                                : Redirection.iptables());
        upstream = DnsServer.start(lab.fabric().netns(), new InetSocketAddress(FABRIC, 53));
        upstream.has("www.example.com.", "192.0.2.80", "2001:db8::80");
        Data[] many = new Data[200];
        for (int i = 0; i < many.length; i++) {
            many[i] = Data.address("many.example.com.", 60, "198.51.100." + i);
        }
        upstream.says("many.example.com.", DnsRecordType.A, Content.of(many));
        near = lab.node("node-1");
        client = lab.captured(near, "client");
        client.namespace()
                .resolver(
                        "nameserver 10.96.0.10",
                        "search default.svc.cluster.local svc.cluster.local cluster.local",
                        "options ndots:5 timeout:2 attempts:1");
        shop = lab.captured(near, "shop");
        lab.mesh(
                """
                services:
                - name: shop
                  namespace: default
                  hostname: shop.default.svc.cluster.local
                  vips: ["/10.96.7.7", "/fd00:10:96::77"]
                  ports: {80: 8080}
                  endpoints: {}
                - name: direct
                  namespace: default
                  hostname: direct.default.svc.cluster.local
                  vips: []
                  ports: {80: 8080}
                  endpoints:
                    "Kubernetes//Pod/default/shop:":
                      workloadUid: "Kubernetes//Pod/default/shop"
                      port: {80: 8080}
                      status: Healthy
                - name: wild
                  namespace: default
                  hostname: "*.wild.example.com"
                  vips: ["/240.240.0.1"]
                  ports: {80: 80}
                  endpoints: {}
                """);
        near.start(new String[] {"RUST_LOG=info,dns=debug"}, client, shop);
    }

    @AfterParameterizedClassInvocation
    static void remove() throws Exception {
        upstream.close();
        lab.close();
    }

    /// What a program prints, by lines.
    private static List<String> run(String... command) {
        Shell.Outcome outcome = client.namespace().tryRun(command);
        assertThat(outcome.succeeded()).as(outcome.output()).isTrue();
        return outcome.output().lines().filter(line -> !line.isBlank()).sorted().toList();
    }

    private static List<String> dig(String... words) {
        List<String> command = new ArrayList<>(List.of("dig", "+tries=1", "+timeout=4", "+short"));
        command.addAll(List.of(words));
        return run(command.toArray(new String[0]));
    }

    @ParameterizedTest
    @ValueSource(strings = {"+notcp", "+tcp"})
    void aServiceIsFoundByItsName(String transport) {
        for (String server : List.of(CLUSTER_DNS, CLUSTER_DNS_V6, "@1.1.1.1")) {
            assertThat(dig(server, transport, "shop.default.svc.cluster.local", "A"))
                    .containsExactly("10.96.7.7");
            assertThat(dig(server, transport, "shop.default.svc.cluster.local", "AAAA"))
                    .containsExactly("fd00:10:96::77");
            assertThat(dig(server, transport, "shop", "A")).containsExactly("10.96.7.7");
            assertThat(dig(server, transport, "any.wild.example.com", "A"))
                    .containsExactly("240.240.0.1");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"+notcp", "+tcp"})
    void aHeadlessServiceIsItsPods(String transport) {
        assertThat(dig(CLUSTER_DNS, transport, "direct.default.svc.cluster.local", "A"))
                .containsExactly(shop.ipv4().getHostAddress());
        assertThat(dig(CLUSTER_DNS_V6, transport, "direct", "AAAA"))
                .extracting(InetAddress::ofLiteral)
                .containsExactly(shop.ipv6());
    }

    @ParameterizedTest
    @ValueSource(strings = {"+notcp", "+tcp"})
    void anUnknownNameIsAskedOfTheDaemonsOwnServer(String transport) {
        assertThat(dig(CLUSTER_DNS, transport, "www.example.com", "A"))
                .containsExactly("192.0.2.80");
        assertThat(dig(CLUSTER_DNS_V6, transport, "www.example.com", "AAAA"))
                .containsExactly("2001:db8::80");
        assertThat(run("dig", CLUSTER_DNS, transport, "+noall", "+comments", "absent.example.com"))
                .anyMatch(line -> line.contains("status: NXDOMAIN"));
        assertThat(upstream.asked()).contains("udp www.example.com. A");
        assertThat(upstream.askers()).as("the pod asks").contains(client.ipv4());
    }

    /// `dig` asks again on a stream when it is told that the answer is cut off; so do we.
    @Test
    void aLargeAnswerComesWholeInTheEnd() {
        assertThat(dig(CLUSTER_DNS, "many.example.com", "A")).hasSize(200);
        assertThat(upstream.asked()).contains("tcp many.example.com. A");
    }

    @Test
    void dnssecBitsAndPayloadAreUnderstoodByOthers() {
        assertThat(run("dig", CLUSTER_DNS, "+dnssec", "+bufsize=1232", "shop", "A"))
                .anyMatch(line -> line.contains("flags: do; udp: 1232"))
                .anyMatch(line -> line.matches(";; flags: qr aa rd ra( ad)?;.*"))
                .anyMatch(line -> line.matches("shop\\.\\s+30\\s+IN\\s+A\\s+10\\.96\\.7\\.7"));
    }

    /// With the search list of Kubernetes; it asks for both families with one socket.
    @Test
    void theCLibraryFindsNamesToo() {
        assertThat(run("getent", "ahosts", "shop"))
                .anyMatch(line -> line.startsWith("10.96.7.7 "))
                .anyMatch(line -> line.startsWith("fd00:10:96::77 "));
        assertThat(run("getent", "ahostsv4", "www.example.com"))
                .anyMatch(line -> line.startsWith("192.0.2.80 "));
        assertThat(client.namespace().tryRun("getent", "hosts", "absent").succeeded()).isFalse();
    }

    @Test
    void ofLoopbackResolversOnlyTcpIsCaptured() {
        assertThat(dig("@127.0.0.53", "+tcp", "shop", "A")).containsExactly("10.96.7.7");
        assertThat(client.namespace().tryRun("dig", "+tries=1", "@127.0.0.53", "shop").output())
                .contains("connection refused");
    }

    @Test
    void operatorsSeeIt() {
        dig(CLUSTER_DNS, "shop", "A");
        dig(CLUSTER_DNS, "+tcp", "www.example.com", "A");
        assertThat(near.daemon().metric("istio_dns_requests_total", "request_query_type=\"a\""))
                .isGreaterThanOrEqualTo(2);
        assertThat(near.daemon().metric("istio_dns_upstream_requests_total", "\"client\""))
                .isPositive();
        MeshLab.eventually(
                "a line",
                () ->
                        near.daemon().lines("\tdebug\tdns\t").stream()
                                .anyMatch(
                                        line ->
                                                line.endsWith(
                                                        "src.workload=\"client\""
                                                                + " src.namespace=\"default\""
                                                                + " query=\"A\" domain=\"shop.\""
                                                                + " result=\"success\""
                                                                + " endpoints=1")));
        assertThat(near.dump().replaceAll("\\s", ""))
                .contains("\"dnsResolverCfg\":{\"domain\":null,\"name_servers\":[{")
                .contains("\"ip\":\"172.172.0.1\"")
                .contains("\"dnsProxy\":true");
    }

    /// A new daemon listens beside the old one, which then ends: every datagram is answered.
    @Test
    @Order(LATE)
    void noQuestionIsLostWhenADaemonGivesWayToTheNext() throws Exception {
        DaemonProcess old = near.daemon();
        NodeDaemon next = lab.node("node-1-next");
        try (Questions questions =
                new Questions(
                        client.namespace(),
                        new InetSocketAddress(InetAddress.ofLiteral("10.96.0.10"), 53),
                        "shop")) {
            MeshLab.eventually("answers", () -> questions.answered() > 100);
            next.start(new String[] {"NODE_NAME=node-1"}, client, shop);
            long before = questions.answered();
            MeshLab.eventually("both answer", () -> questions.answered() > before + 200);
            old.process().destroy();
            assertThat(old.process().waitFor(30, TimeUnit.SECONDS)).isTrue();
            long after = questions.answered();
            MeshLab.eventually("the next one answers", () -> questions.answered() > after + 300);
            questions.stop();

            assertThat(questions.lost()).as("of " + questions.answered()).isZero();
        }
        assertThat(dig(CLUSTER_DNS, "+tcp", "shop", "A")).containsExactly("10.96.7.7");
        assertThat(next.daemon().metric("istio_dns_requests_total", "")).isPositive();
    }
}
