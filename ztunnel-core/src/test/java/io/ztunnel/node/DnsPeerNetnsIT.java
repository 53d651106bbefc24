package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.dns.DnsRecordType;
import io.netty.handler.codec.dns.DnsResponseCode;
import io.ztunnel.testkit.DnsServer;
import io.ztunnel.testkit.DnsServer.Content;
import io.ztunnel.testkit.DnsServer.Data;
import io.ztunnel.testkit.Prerequisites;
import io.ztunnel.testkit.Redirection;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// The same questions to ours and to somebody else's ztunnel, `ZTUNNEL_PEER_COMMAND`, with the same
/// mesh and the same server behind: the answers are equal, to the flags. Only how much of a large
/// answer fits into a datagram is our own affair: never less.
@Tag("peer")
@Timeout(240)
class DnsPeerNetnsIT {
    private static final String LARGE = "large";

    private static final String SERVICE =
            """
            - name: %1$s
              namespace: %2$s
              hostname: "%3$s"
              vips: [%4$s]
              ports: {80: 8080}
              endpoints: {}
            """;

    private static final List<String> NAMES =
            List.of(
                    "shop",
                    "SHOP.default",
                    "shop.default.svc",
                    "shop.default.svc.cluster.local",
                    "shop.default.default.svc.cluster.local",
                    "shop.default.svc.cluster.local.default.svc.cluster.local",
                    "other",
                    "other.far",
                    "a.other.far.svc.cluster.local",
                    "headless",
                    "headless.default.svc.cluster.local",
                    "empty",
                    "v4only",
                    "foreign",
                    "www.google.com",
                    "www.google.com.default.svc.cluster.local",
                    "x.wild.example.com",
                    "x.y.wild.example.com",
                    "x.y.wild.example.com.svc.cluster.local",
                    "wild.example.com",
                    "no-vip.example.com",
                    "outside.example.com",
                    "outside.example.com.default.svc.cluster.local",
                    "alias.example.com",
                    "nodata.example.com",
                    "refused.example.com",
                    "broken.example.com",
                    "absent.example.com",
                    "localhost",
                    "name.localhost",
                    "foo.invalid",
                    "foo.onion",
                    ".");

    private static final List<String> HOW =
            List.of(
                    "A",
                    "AAAA",
                    "A +tcp",
                    "A +norec",
                    "A +bufsize=1232",
                    "A +dnssec +bufsize=4096",
                    "A +cdflag +noedns",
                    "TXT +noedns",
                    "A +opcode=4");

    @TempDir Path folder;

    @Test
    void bothGiveTheSameAnswers() throws Exception {
        String peer = System.getenv("ZTUNNEL_PEER_COMMAND");
        Assumptions.assumeTrue(peer != null, "ZTUNNEL_PEER_COMMAND is not set");
        Prerequisites.require("dig");
        try (MeshLab lab = new MeshLab(folder, Redirection.iptables());
                DnsServer upstream =
                        DnsServer.start(
                                lab.fabric().netns(), new InetSocketAddress(MeshLab.CA, 53))) {
            fill(upstream);
            lab.client()
                    .namespace()
                    .resolver(
                            "nameserver " + MeshLab.CA.getHostAddress(),
                            "search default.svc.cluster.local svc.cluster.local cluster.local");
            lab.mesh(services());

            Map<String, String> ours = answers(lab, DaemonProcess.ours());
            Map<String, String> theirs = answers(lab, List.of(peer.split(" ")));

            assertThat(differences(ours, theirs)).isEmpty();
            assertThat(count(ours.get(LARGE))).isBetween(count(theirs.get(LARGE)), 74L);
            assertThat(theirs.get(LARGE)).contains("flags: qr tc rd ra;");
            assertThat(ours.get(LARGE)).contains("flags: qr tc rd ra;");
        }
    }

    private static void fill(DnsServer upstream) {
        upstream.has("outside.example.com.", "192.0.2.80", "2001:db8::80");
        upstream.says(
                "alias.example.com.",
                DnsRecordType.A,
                Content.of(
                        new Data(
                                "alias.example.com.",
                                DnsRecordType.CNAME,
                                300,
                                new byte[] {3, 'e', 'n', 'd', 3, 'c', 'o', 'm', 0}),
                        Data.address("end.com.", 300, "192.0.2.81")));
        upstream.says("nodata.example.com.", DnsRecordType.A, Content.of());
        upstream.says(
                "refused.example.com.", DnsRecordType.A, Content.code(DnsResponseCode.REFUSED));
        upstream.says(
                "broken.example.com.", DnsRecordType.A, Content.code(DnsResponseCode.SERVFAIL));
        Data[] many = new Data[200];
        for (int i = 0; i < many.length; i++) {
            many[i] = Data.address("many.example.com.", 60, "198.51.100." + i);
        }
        upstream.says("many.example.com.", DnsRecordType.A, Content.of(many));
    }

    private static String services() {
        return "services:\n"
                + SERVICE.formatted(
                        "shop",
                        "default",
                        "shop.default.svc.cluster.local",
                        "\"/10.96.7.7\", \"/fd00:10:96::77\"")
                + SERVICE.formatted("other", "far", "other.far.svc.cluster.local", "\"/10.96.7.8\"")
                + SERVICE.formatted("empty", "default", "empty.default.svc.cluster.local", "")
                + SERVICE.formatted(
                        "v4only", "default", "v4only.default.svc.cluster.local", "\"/10.96.7.9\"")
                + SERVICE.formatted(
                        "foreign",
                        "default",
                        "foreign.default.svc.cluster.local",
                        "\"elsewhere/10.96.7.10\"")
                + SERVICE.formatted("google", "default", "www.google.com", "\"/240.240.0.1\"")
                + SERVICE.formatted("wild", "default", "*.wild.example.com", "\"/240.240.0.2\"")
                + SERVICE.formatted("deeper", "default", "*.y.wild.example.com", "\"/240.240.0.3\"")
                + SERVICE.formatted("no-vip", "default", "no-vip.example.com", "")
                + """
                - name: headless
                  namespace: default
                  hostname: headless.default.svc.cluster.local
                  vips: []
                  ports: {80: 8080}
                  endpoints:
                    "Kubernetes//Pod/default/server:":
                      workloadUid: "Kubernetes//Pod/default/server"
                      port: {80: 8080}
                      status: Healthy
                """;
    }

    private static Map<String, String> answers(MeshLab lab, List<String> command)
            throws InterruptedException {
        DaemonProcess daemon =
                lab.daemon(
                        lab.client(),
                        command,
                        "ISTIO_META_DNS_CAPTURE=true",
                        "ISTIO_META_DNS_PROXY_ADDR=localhost:15053");
        Map<String, String> answers = new LinkedHashMap<>();
        for (String name : NAMES) {
            for (String how : HOW) {
                answers.put(name + " " + how, ask(lab, name, how));
            }
        }
        answers.put("many +tcp", ask(lab, "many.example.com", "A +tcp"));
        // Compared by number.
        answers.put(LARGE, ask(lab, "many.example.com", "A +bufsize=1232"));
        daemon.process().destroyForcibly().waitFor();
        return answers;
    }

    private static long count(String answer) {
        return answer.lines().filter(line -> line.contains(" IN A 198.51.100.")).count();
    }

    private static String ask(MeshLab lab, String name, String how) {
        return lab.client()
                .namespace()
                .tryRun(
                        ("dig @127.0.0.1 -p 15053 +tries=1 +ignore +noall +comments +answer"
                                        + " +additional +question "
                                        + name
                                        + " "
                                        + how)
                                .split(" "))
                .output()
                .lines()
                .map(line -> line.replaceAll("id: \\d+", "id").replaceAll("[\\t ]+", " "))
                .filter(
                        line ->
                                !line.isBlank()
                                        && !line.contains("DiG")
                                        && !line.contains("COOKIE"))
                .sorted()
                .collect(Collectors.joining("\n"));
    }

    private static Map<String, String> differences(
            Map<String, String> ours, Map<String, String> theirs) {
        Map<String, String> all = new LinkedHashMap<>();
        ours.forEach(
                (question, answer) -> {
                    if (!question.equals(LARGE) && !answer.equals(theirs.get(question))) {
                        all.put(
                                question,
                                "ours:\n" + answer + "\ntheirs:\n" + theirs.get(question));
                    }
                });
        return all;
    }
}
