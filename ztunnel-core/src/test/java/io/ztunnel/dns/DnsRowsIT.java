package io.ztunnel.dns;

import static io.ztunnel.dns.Header.AUTHORITATIVE;
import static io.ztunnel.dns.Header.CHECKING_DISABLED;
import static io.ztunnel.dns.Header.RECURSION_AVAILABLE;
import static io.ztunnel.dns.Header.RECURSION_DESIRED;
import static io.ztunnel.dns.Header.TRUNCATED;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.dns.DnsRecordType;
import io.netty.handler.codec.dns.DnsResponseCode;
import io.ztunnel.dns.Answering.Transport;
import io.ztunnel.mesh.MeshDelta;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.NamespacedHostname;
import io.ztunnel.net.Netns;
import io.ztunnel.testkit.DnsServer;
import io.ztunnel.testkit.DnsServer.Content;
import io.ztunnel.testkit.DnsServer.Data;
import io.ztunnel.testkit.MeshKit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvFileSource;
import org.junit.jupiter.params.provider.EnumSource;

import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/// The rows of docs/spec/config-observability-dns.md 6.8 that are about questions and answers. Rows
/// 46 to 57 are in [AliasesTest] and [MeshNamesTest], row 82 in [DnsListenerIT].
@Timeout(60)
class DnsRowsIT {
    private static final int A = Query.Question.A;
    private static final int AAAA = Query.Question.AAAA;
    private static final int NS = 2;
    private static final int NX = 3;

    private DnsServer upstream;
    private DnsBench bench;

    @BeforeEach
    void open() {
        upstream =
                DnsServer.start(Netns.own(), new InetSocketAddress(DnsBench.LOOPBACK, 0))
                        .says(
                                "www.bing.com.",
                                DnsRecordType.A,
                                Content.of(Data.address("www.bing.com.", 60, "1.1.1.1"))
                                        .withAdditional(Data.address("www.bing.com.", 60, "::1")))
                        .has("test.example.com.", "192.0.2.1")
                        .says("large.com.", DnsRecordType.A, Content.of(large()));
        bench = new DnsBench(DnsBench.settings(DnsBench.names(), upstream.address()), 100);
        bench.publish(FixtureF.mesh());
    }

    private static Data[] large() {
        Data[] all = new Data[256];
        for (int i = 0; i < all.length; i++) {
            all[i] = Data.address("large.com.", 60, "240.0.0." + i);
        }
        return all;
    }

    @AfterEach
    void close() {
        bench.close();
        upstream.close();
    }

    private DnsClient.Said ask(Transport transport, String name, int type) throws Exception {
        return bench.ask(transport, DnsClient.query(name, type));
    }

    @ParameterizedTest(name = "row {0}: {1} {2}")
    @CsvFileSource(resources = "rows.csv", numLinesToSkip = 1, delimiter = '|')
    void rows1To42(
            int row, String name, String type, int authoritative, String code, String answers)
            throws Exception {
        for (Transport transport : Transport.values()) {
            DnsClient.Said said = ask(transport, name.strip(), typeOf(type.strip()));

            String as = "row " + row + " over " + transport;
            List<String> wanted = new ArrayList<>();
            if (answers != null) {
                for (String each : answers.split(",")) {
                    wanted.add(each.strip().replaceAll(" +", " "));
                }
            }
            assertThat(said.answers()).as(as).containsExactlyInAnyOrderElementsOf(wanted);
            assertThat(said.code()).as(as).isEqualTo(code.strip().equals("NXDOMAIN") ? NX : 0);
            assertThat(said.has(AUTHORITATIVE)).as(as).isEqualTo(authoritative == 1);
            assertThat(said.has(RECURSION_AVAILABLE)).as(as).isEqualTo(said.code() == 0);
            assertThat(said.has(RECURSION_DESIRED)).as(as).isTrue();
            assertThat(said.has(TRUNCATED)).as(as).isFalse();
        }
        assertThat(upstream.asked().isEmpty()).isEqualTo(authoritative == 1);
    }

    private static int typeOf(String type) {
        return DnsRecordType.valueOf(type).intValue();
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void row04_forwardedWithWhatTheServerAdds(Transport transport) throws Exception {
        DnsClient.Said said = ask(transport, "www.bing.com", A);

        assertThat(said.answers()).containsExactly("www.bing.com. A 1.1.1.1");
        assertThat(said.additionals()).containsExactly("www.bing.com. AAAA ::1");
        assertThat(said.has(AUTHORITATIVE)).isFalse();
        assertThat(said.has(RECURSION_AVAILABLE)).isTrue();
    }

    @Test
    void row43_256AddressesOverTcp() throws Exception {
        DnsClient.Said said = ask(Transport.TCP, "large.com.", A);

        assertThat(said.answers()).hasSize(256);
        assertThat(said.has(TRUNCATED)).isFalse();
        assertThat(upstream.asked()).containsExactly("udp large.com. A", "tcp large.com. A");
    }

    @Test
    void row44_74OfThemFitInto1232Bytes() throws Exception {
        DnsClient.Said said =
                bench.ask(Transport.UDP, DnsClient.query("large.com.", A, 0x100, 1232L << 32));

        assertThat(said.answers()).hasSize(74);
        assertThat(said.has(TRUNCATED)).isTrue();
        assertThat(said.size()).isLessThanOrEqualTo(1232);
    }

    @Test
    void without_edns_512BytesAreAllThatIsSent() throws Exception {
        DnsClient.Said said = ask(Transport.UDP, "large.com.", A);

        assertThat(said.answers()).hasSize((512 - 12 - 15) / 16);
        assertThat(said.has(TRUNCATED)).isTrue();
    }

    /// Netty and the JDK make IPv4 of such an address before anybody sees it, see `IpAddress`; what
    /// is left to test is that a listener of both families takes it.
    @Test
    void row45_aMappedSourceIsAnIpv4Client() throws Exception {
        DnsSettings both =
                new DnsSettings(
                        List.of(new InetSocketAddress(java.net.InetAddress.ofLiteral("::"), 0)),
                        DnsBench.names(),
                        List.of(upstream.address()),
                        java.time.Duration.ofSeconds(1),
                        1);
        try (DnsBench dual = new DnsBench(both, 100)) {
            dual.publish(FixtureF.mesh());
            assertThat(
                            DnsClient.overUdp(
                                            new InetSocketAddress(
                                                    DnsBench.LOOPBACK, dual.udp().getPort()),
                                            DnsClient.query("www.bing.com", A))
                                    .answers())
                    .containsExactly("www.bing.com. A 1.1.1.1");
        }
    }

    @Test
    void row58_anUnknownClientWaitsAndIsToldOfFailure() throws Exception {
        bench.publish(MeshSnapshot.empty());
        long start = System.nanoTime();

        assertThat(ask(Transport.UDP, "www.google.com", A).code()).isEqualTo(2);
        assertThat(System.nanoTime() - start).isGreaterThan(4_900_000_000L);
        assertThat(bench.told.samples("istio_dns_requests_total"))
                .containsExactly(
                        "istio_dns_requests_total{request_query_type=\"a\",request_protocol=\"udp\","
                            + "source_canonical_service=\"unknown\",source_canonical_revision=\"unknown\"}"
                            + " 1");
    }

    @Test
    void row58_aClientThatBecomesKnownIsAnswered() throws Exception {
        bench.publish(MeshSnapshot.empty());
        Thread.ofVirtual().start(() -> bench.publish(FixtureF.mesh()));

        assertThat(ask(Transport.UDP, "www.google.com", A).answers())
                .containsExactly("www.google.com. A 1.1.1.1");
    }

    @Test
    void row59_and60_withoutIpv6TheMeshHasNoAaaaAndOthersAreStillAsked() throws Exception {
        upstream.has("v6.example.com.", "2001:db8::1");
        DnsSettings.Names v4 = new DnsSettings.Names("cluster.local", null, false, null);
        try (DnsBench only = new DnsBench(DnsBench.settings(v4, upstream.address()), 100)) {
            only.publish(FixtureF.mesh());

            DnsClient.Said known =
                    only.ask(Transport.UDP, DnsClient.query("dual.localhost.", AAAA));
            assertThat(known.answers()).isEmpty();
            assertThat(known.code()).isZero();
            assertThat(known.has(AUTHORITATIVE)).isTrue();
            assertThat(only.ask(Transport.UDP, DnsClient.query("v6.example.com.", AAAA)).answers())
                    .containsExactly("v6.example.com. AAAA 2001:db8::1");
        }
    }

    @Test
    void row61_otherTypesAreForwarded() throws Exception {
        for (int type : new int[] {33, 16, 12, 255}) {
            DnsClient.Said said = ask(Transport.UDP, "productpage.ns1", type);
            assertThat(said.code()).isEqualTo(NX);
            assertThat(said.has(AUTHORITATIVE)).isFalse();
        }
        assertThat(upstream.asked()).hasSize(4);
    }

    @Test
    void row62_aRangeOfAddressesIsNoAddress() throws Exception {
        MeshKit kit = FixtureF.kit();
        kit.service("ranged.example.com").in("ns1").range("nw1", "10.5.0.0/24").end();
        bench.publish(kit.snapshot());

        assertThat(ask(Transport.UDP, "ranged.example.com", A).code()).isEqualTo(NX);
        assertThat(upstream.asked()).containsExactly("udp ranged.example.com. A");
    }

    @Test
    void row63_aHeadlessServiceWithoutEndpointsIsEmpty() throws Exception {
        MeshKit kit = FixtureF.kit();
        kit.service("lonely.ns1.svc.cluster.local").in("ns1").end();
        bench.publish(kit.snapshot());
        DnsClient.Said said = ask(Transport.UDP, "lonely", A);

        assertThat(said.code()).isZero();
        assertThat(said.answers()).isEmpty();
        assertThat(said.has(AUTHORITATIVE)).isTrue();
        assertThat(said.has(RECURSION_AVAILABLE)).isTrue();
    }

    /// Endpoints are workloads that name their services, so one that is not known is none.
    @Test
    void row64_endpointsThatAreNotKnownAreLeftOut() throws Exception {
        MeshSnapshot mesh = FixtureF.mesh();
        MeshDelta delta = new MeshDelta(mesh, "");
        delta.removeAddress("Kubernetes//Pod/ns1/pod1");
        bench.publish(delta.apply());

        assertThat(ask(Transport.UDP, "headless", A).answers())
                .containsExactly("headless. A 30.30.30.30");
    }

    @Test
    void row65_lettersOfEitherCaseMatchAndAnswersAreLowerCase() throws Exception {
        byte[] query = DnsClient.query("PRODUCTPAGE.ns1", A);
        byte[] answer = DnsClient.rawOverUdp(bench.udp(), query);

        assertThat(DnsClient.decode(answer).answers())
                .containsExactly("productpage.ns1. A 9.9.9.9");
        assertThat(answer)
                .as("the question is repeated byte for byte")
                .containsSubsequence(java.util.Arrays.copyOfRange(query, 12, query.length));
    }

    @Test
    void row66_aServiceInUpperCaseIsNeverFound() throws Exception {
        MeshKit kit = FixtureF.kit();
        FixtureF.service(kit, "LOUD.example.com", "ns1", "10.9.9.9").end();
        bench.publish(kit.snapshot());

        assertThat(ask(Transport.UDP, "LOUD.example.com", A).code()).isEqualTo(NX);
    }

    @Test
    void row67_theExactNameBeatsTheWildcard() throws Exception {
        MeshKit kit = FixtureF.kit();
        FixtureF.service(kit, "foo.wildcard", "ns1", "10.9.9.1").end();
        bench.publish(kit.snapshot());

        assertThat(ask(Transport.UDP, "foo.wildcard.", A).answers())
                .containsExactly("foo.wildcard. A 10.9.9.1");
    }

    @Test
    void row68_aWildcardOfTheNameItselfBeatsStrippedNames() throws Exception {
        MeshKit kit = FixtureF.kit();
        FixtureF.service(kit, "*.svc.cluster.local", "ns1", "10.9.9.2").end();
        FixtureF.service(kit, "x", "ns1", "10.9.9.3").end();
        bench.publish(kit.snapshot());

        assertThat(ask(Transport.UDP, "x.ns1.svc.cluster.local", A).answers())
                .containsExactly("x.ns1.svc.cluster.local. A 10.9.9.2");
    }

    @Test
    void row69_theLongestSearchDomainIsTakenOffFirst() throws Exception {
        MeshKit kit = FixtureF.kit();
        FixtureF.service(kit, "twice", "ns1", "10.9.9.4").end();
        FixtureF.service(kit, "twice.ns1", "ns1", "10.9.9.5").end();
        bench.publish(kit.snapshot());

        assertThat(ask(Transport.UDP, "twice.ns1.svc.cluster.local", A).answers())
                .containsExactlyInAnyOrder(
                        "twice.ns1.svc.cluster.local. CNAME twice.", "twice. A 10.9.9.4");
    }

    @Test
    void row70_noDataIsAnEmptyAnswer() throws Exception {
        upstream.says(
                "empty.example.com.",
                DnsRecordType.A,
                Content.of().withAuthority(soa("example.com.", 60, 30)));
        DnsClient.Said said = ask(Transport.UDP, "empty.example.com.", A);

        assertThat(said.code()).isZero();
        assertThat(said.answers()).isEmpty();
        assertThat(said.additionals()).isEmpty();
        assertThat(said.has(RECURSION_AVAILABLE)).isFalse();
        assertThat(said.size()).as("no SOA").isEqualTo(12 + 19 + 4);
    }

    static Data soa(String zone, int ttl, int minimum) {
        byte[] data = new byte[22];
        data[20] = (byte) (minimum >> 8);
        data[21] = (byte) minimum;
        return new Data(zone, DnsRecordType.SOA, ttl, data);
    }

    @Test
    void row71_errorsOfTheServerArePassedOn() throws Exception {
        upstream.says("refused.com.", DnsRecordType.A, Content.code(DnsResponseCode.REFUSED));
        upstream.says("broken.com.", DnsRecordType.A, Content.code(DnsResponseCode.SERVFAIL));

        assertThat(ask(Transport.UDP, "refused.com.", A).code()).isEqualTo(5);
        assertThat(ask(Transport.TCP, "broken.com.", A).code()).isEqualTo(2);
        assertThat(bench.told.metric("istio_dns_upstream_failures_total")).isEqualTo(2);
    }

    @Test
    void row72_aServerThatIsNotThereIsAFailure() throws Exception {
        DnsServer gone = DnsServer.start(Netns.own(), new InetSocketAddress(DnsBench.LOOPBACK, 0));
        gone.close();
        try (DnsBench lost =
                new DnsBench(DnsBench.settings(DnsBench.names(), gone.address()), 100)) {
            lost.publish(FixtureF.mesh());
            DnsClient.Said said = lost.ask(Transport.UDP, DnsClient.query("www.bing.com", A));
            assertThat(said.code()).isEqualTo(2);
            assertThat(said.has(RECURSION_AVAILABLE)).isFalse();
        }
    }

    @Test
    void row72_aSilentServerIsAFailure() throws Exception {
        upstream.says("silent.com.", DnsRecordType.A, Content.silence());

        assertThat(ask(Transport.UDP, "silent.com.", A).code()).isEqualTo(2);
        assertThat(upstream.asked()).hasSize(2);
    }

    @Test
    void row73_localhostIsThisMachine() throws Exception {
        assertThat(ask(Transport.UDP, "localhost.", A).answers())
                .containsExactly("localhost. A 127.0.0.1");
        assertThat(ask(Transport.UDP, "db.localhost.", AAAA).answers())
                .containsExactly("db.localhost. AAAA ::1");
        DnsClient.Said other = ask(Transport.UDP, "localhost.", NS);
        assertThat(other.answers()).isEmpty();
        assertThat(other.code()).isZero();
        DnsClient.Said reverse = ask(Transport.UDP, "1.0.0.127.in-addr.arpa.", 12);
        assertThat(reverse.answers()).hasSize(1);
        assertThat(reverse.has(AUTHORITATIVE)).isFalse();
        assertThat(upstream.asked()).isEmpty();
    }

    @Test
    void row74_invalidNamesDoNotExist() throws Exception {
        assertThat(ask(Transport.UDP, "foo.invalid.", A).code()).isEqualTo(NX);
        assertThat(ask(Transport.UDP, "foo.onion.", A).code()).isEqualTo(NX);
        assertThat(upstream.asked()).isEmpty();
    }

    @Test
    void row75_twoQuestionsAreTooMany() throws Exception {
        byte[] one = DnsClient.query("www.google.com", A);
        byte[] two = java.util.Arrays.copyOf(one, one.length * 2 - 12);
        System.arraycopy(one, 12, two, one.length, one.length - 12);
        two[5] = 2;

        assertThat(bench.ask(Transport.UDP, two).code()).isEqualTo(2);
        assertThat(bench.told.samples("istio_dns_requests_total")).isEmpty();
    }

    @Test
    void row76_anUpdateIsNotImplemented() throws Exception {
        DnsClient.Said said =
                bench.ask(Transport.UDP, DnsClient.query("www.google.com", A, 5 << 11, -1));

        assertThat(said.code()).isEqualTo(4);
        assertThat(said.flags() & Header.OPCODE).isEqualTo(5 << 11);
    }

    @Test
    void row77_whatTheClientSaysOfTheTransportIsAnswered() throws Exception {
        DnsClient.Said said =
                bench.ask(
                        Transport.UDP,
                        DnsClient.query(
                                "www.google.com",
                                A,
                                RECURSION_DESIRED | CHECKING_DISABLED,
                                100L << 32 | Query.Edns.DNSSEC_OK));

        assertThat(said.opt()).isEqualTo(512L << 32 | Query.Edns.DNSSEC_OK);
        assertThat(said.has(CHECKING_DISABLED)).isTrue();
        assertThat(said.answers()).hasSize(1);
    }

    @Test
    void row78_errorsSayNothingOfTheTransport() throws Exception {
        DnsClient.Said said =
                bench.ask(Transport.UDP, DnsClient.query("absent.com", A, 0x100, 1232L << 32));

        assertThat(said.code()).isEqualTo(NX);
        assertThat(said.opt()).isEqualTo(-1);
    }

    @Test
    void row79_addressesOfTheMeshHold30SecondsInAnyOrder() throws Exception {
        Set<String> first = new HashSet<>();
        for (int i = 0; i < 50; i++) {
            byte[] answer =
                    DnsClient.rawOverUdp(
                            bench.udp(), DnsClient.query("details.ns2.svc.cluster.remote.", A));
            assertThat(DnsClient.decode(answer).ttls()).containsOnly(30L);
            first.add(String.valueOf(answer[answer.length - 1]));
        }
        assertThat(first).as("which address is the last").hasSizeGreaterThan(1);
    }

    @Test
    void row80_whatIsNotVisibleIsNoCandidate() throws Exception {
        MeshKit kit = FixtureF.kit();
        FixtureF.service(kit, "shared.io", "ns2", "10.9.9.6").namespaceOnly().canonical().end();
        FixtureF.service(kit, "shared.io", "ns3", "10.9.9.7").end();
        bench.publish(kit.snapshot());

        assertThat(ask(Transport.UDP, "shared.io", A).answers())
                .containsExactly("shared.io. A 10.9.9.7");
    }

    @Test
    void row81_theLaterOfTwoCanonicalOnes() throws Exception {
        MeshKit kit = FixtureF.kit();
        FixtureF.service(kit, "canon.io", "ns4", "10.9.9.8").canonical().end();
        FixtureF.service(kit, "canon.io", "ns3", "10.9.9.9").canonical().end();
        bench.publish(kit.snapshot());

        assertThat(ask(Transport.UDP, "canon.io", A).answers())
                .containsExactly("canon.io. A 10.9.9.9");
    }

    @Test
    void metricsCountEachQuestionOnce() throws Exception {
        ask(Transport.UDP, "www.google.com", A);
        ask(Transport.TCP, "www.bing.com", A);
        ask(Transport.TCP, "absent.com", A);
        ask(Transport.UDP, "absent.com", 0xff00);

        assertThat(new TreeSet<>(bench.told.samples("istio_dns_requests_total")))
                .extracting(line -> line.replaceAll(",source.*}", "}"))
                .containsExactly(
                        "istio_dns_requests_total{request_query_type=\"a\",request_protocol=\"tcp\"}"
                            + " 2",
                        "istio_dns_requests_total{request_query_type=\"a\",request_protocol=\"udp\"}"
                            + " 1",
                        "istio_dns_requests_total{request_query_type=\"unknown\","
                                + "request_protocol=\"udp\"} 1");
        assertThat(bench.told.metric("istio_dns_upstream_requests_total")).isEqualTo(3);
        assertThat(bench.told.metric("istio_dns_upstream_failures_total")).isEqualTo(2);
        assertThat(bench.told.metric("istio_dns_upstream_request_duration_seconds_count"))
                .isEqualTo(3);
    }

    @Test
    void theFixtureIsComplete() {
        assertThat(FixtureF.mesh().service(new NamespacedHostname("ns3", "canonical.svc")))
                .isNotNull();
        assertThat(FixtureF.mesh().serviceCount()).isEqualTo(27);
    }
}
