package io.ztunnel.demo;

import io.ztunnel.testkit.Shell;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/// An operator adopts the mesh, chapter by chapter. Every ✓ was checked.
final class Story {
    private static final int TUNNEL_PORT = 15008;
    private static final Duration PATIENCE = Duration.ofSeconds(15);
    private static final int PACKETS_SHOWN = 6;

    private final Stage stage;
    private final Narrator narrator;
    private final Role alice;
    private final Role bob;
    private final Role web;

    Story(Stage stage, Narrator narrator) {
        this.stage = stage;
        this.narrator = narrator;
        this.alice = stage.alice();
        this.bob = stage.bob();
        this.web = stage.web();
    }

    void tell() {
        before();
        List<Daemon> daemons = adopt();
        Daemon ofAlice = daemons.get(0);
        Daemon ofBob = daemons.get(1);
        Daemon ofWeb = daemons.get(2);
        onlyTlsOnTheWire();
        whoTalkedToWhom(ofAlice, ofWeb);
        nobodyMay(ofAlice, ofWeb);
        onlyAliceMay(ofBob, ofWeb);
        narrator.check(
                stage.webWasNeverRestarted(),
                "the application was not touched: it is still the process of chapter 1",
                "the web server ended");
    }

    private void before() {
        narrator.chapter("Two nodes, three pods, no mesh");
        narrator.say(
                "alice (%s) and bob (%s) live on node-1, web (%s) on node-2."
                        .formatted(alice.ip(), bob.ip(), web.ip()));
        narrator.check(stage.webAnswersItself(), "web serves its recipe", "no answer in 30 s");
        List<Packet> packets;
        try (Capture wire = stage.capture()) {
            narrator.say("alice$ " + Stage.curlCommand());
            checkServed(alice, "alice gets the recipe");
            packets = wire.stop();
        }
        narrator.say("What a packet capture between the nodes shows:");
        packets.stream()
                .limit(2)
                .forEach(
                        packet ->
                                narrator.show(
                                        route(packet) + "\n" + indent(packet.text().strip())));
        narrator.check(
                heard(packets).contains(WebServer.SECRET),
                "anybody on the wire reads request and answer",
                heard(packets));
    }

    private List<Daemon> adopt() {
        narrator.chapter("The operator adopts ambient");
        narrator.say(
                "Redirection rules in each pod, one ztunnel beside it, certificates from a CA.");
        MeshFile mesh = stage.meshFile();
        mesh.withoutPolicy();
        Authority authority = stage.startAuthority();
        narrator.check(true, "the certificate authority answers", "");
        List<Daemon> daemons =
                stage.roles().stream()
                        .map(role -> stage.startDaemon(role, mesh, authority))
                        .toList();
        for (Daemon daemon : daemons) {
            narrator.check(
                    daemon.becomesReady(),
                    "ztunnel of " + daemon.role().name() + " is ready",
                    daemon.log().tail(15));
        }
        stage.redirect();
        narrator.check(true, "traffic of alice, bob and web is redirected to it", "");
        return daemons;
    }

    private void onlyTlsOnTheWire() {
        narrator.chapter("The same request, after");
        List<Packet> packets;
        try (Capture wire = stage.capture()) {
            narrator.say("alice$ " + Stage.curlCommand());
            checkServed(alice, "alice gets the recipe, from the same web server");
            packets = wire.stop();
        }
        narrator.say("What the capture shows now:");
        packets.stream().limit(PACKETS_SHOWN).forEach(packet -> narrator.show(describe(packet)));
        narrator.check(
                packets.stream().allMatch(packet -> packet.usesPort(TUNNEL_PORT)),
                "everything between the nodes is on port 15008",
                String.join("\n", packets.stream().map(this::describe).toList()));
        narrator.check(
                packets.stream().filter(packet -> packet.tlsRecord().isPresent()).count() >= 4,
                "and it is TLS, in both directions",
                String.join("\n", packets.stream().map(this::describe).toList()));
        String heard = heard(packets);
        narrator.check(
                !heard.contains(WebServer.SECRET) && !heard.contains("GET /recipe"),
                "neither request nor answer can be read in %d packets".formatted(packets.size()),
                heard);
    }

    private void whoTalkedToWhom(Daemon ofAlice, Daemon ofWeb) {
        narrator.chapter("Both ends know who they talked to");
        AccessLine outbound = accessLine(ofAlice, line -> true);
        AccessLine inbound = accessLine(ofWeb, line -> true);
        narrator.say("Access log of alice's ztunnel:");
        narrator.show(stage.withNames(outbound.summary()));
        narrator.say("Access log of web's ztunnel:");
        narrator.show(stage.withNames(inbound.summary()));
        narrator.check(
                outbound.hasIdentities(alice, web) && inbound.hasIdentities(alice, web),
                "both lines carry both identities, proven by certificates",
                outbound + "\n" + inbound);
        narrator.check(
                outbound.get("direction").equals("outbound")
                        && inbound.get("direction").equals("inbound"),
                "one seen from each side",
                outbound + "\n" + inbound);
    }

    private void nobodyMay(Daemon ofAlice, Daemon ofWeb) {
        narrator.chapter("The operator denies everything");
        ofAlice.log().mark();
        ofWeb.log().mark();
        narrator.show(stage.meshFile().denyAll());
        narrator.say("alice$ " + Stage.curlCommand());
        Shell.Outcome refused = awaitRefusal(alice, ofWeb);
        narrator.show(refused.output().strip());
        checkRefused(refused, "alice is cut off");
        AccessLine reason = accessLine(ofWeb, line -> line.get("error").contains("policy"));
        narrator.say("web's ztunnel says why:");
        narrator.show("from  " + reason.get("src.identity") + "\nerror " + reason.get("error"));
        narrator.check(
                reason.get("error").contains("policy")
                        && reason.get("src.identity").equals(alice.spiffe()),
                "the refusal names the policy as its reason and alice as the caller",
                reason.toString());
    }

    private void onlyAliceMay(Daemon ofBob, Daemon ofWeb) {
        narrator.chapter("The operator lets alice in, and nobody else");
        ofBob.log().mark();
        ofWeb.log().mark();
        narrator.show(stage.meshFile().allowOnly(alice));
        boolean allowed = Until.isTrue(PATIENCE, () -> served(stage.curl(alice)));
        narrator.check(allowed, "alice gets the recipe", ofWeb.log().tail(5));
        narrator.say("bob$ " + Stage.curlCommand());
        Shell.Outcome refused = stage.curl(bob);
        narrator.show(refused.output().strip());
        checkRefused(refused, "bob does not, from the same node at the same moment");
        AccessLine reason =
                accessLine(ofWeb, line -> line.get("src.identity").equals(bob.spiffe()));
        narrator.show("from  " + reason.get("src.identity") + "\nerror " + reason.get("error"));
        narrator.check(
                reason.get("error").contains("policy"),
                "because the policy knows him by his certificate, not by his address",
                reason.toString());
    }

    private void checkServed(Role from, String claim) {
        Shell.Outcome answer = stage.curl(from);
        narrator.show(answer.output().strip());
        narrator.check(served(answer), claim, answer.toString());
    }

    private void checkRefused(Shell.Outcome answer, String claim) {
        narrator.check(
                !answer.succeeded() && !answer.output().contains(WebServer.SECRET),
                claim,
                answer.toString());
    }

    /// A changed file takes a moment to be seen; a refusal counts when its reason is logged.
    private Shell.Outcome awaitRefusal(Role from, Daemon judge) {
        return Until.present(
                        PATIENCE,
                        () ->
                                Optional.of(stage.curl(from))
                                        .filter(answer -> !answer.succeeded())
                                        .filter(
                                                answer ->
                                                        judge.log()
                                                                .find(Story::refuses)
                                                                .isPresent()))
                .orElseGet(() -> stage.curl(from));
    }

    private static boolean refuses(String line) {
        return AccessLine.isOne(line) && AccessLine.parse(line).get("error").contains("policy");
    }

    private static boolean served(Shell.Outcome answer) {
        return answer.succeeded() && answer.output().contains(WebServer.SECRET);
    }

    private static AccessLine accessLine(Daemon daemon, Predicate<AccessLine> wanted) {
        return daemon.log()
                .await(line -> AccessLine.isOne(line) && wanted.test(AccessLine.parse(line)))
                .map(AccessLine::parse)
                .orElseThrow(
                        () ->
                                new StoryFailed(
                                        "the access log of %s tells about it"
                                                .formatted(daemon.role().name()),
                                        daemon.log().tail(10)));
    }

    private String describe(Packet packet) {
        return "%-34s %-24s %5d bytes   %s"
                .formatted(
                        route(packet),
                        packet.tlsRecord().orElse("(continued)"),
                        packet.length(),
                        packet.hex());
    }

    private String route(Packet packet) {
        return stage.withNames(packet.source() + " → " + packet.destination());
    }

    private static String heard(List<Packet> packets) {
        StringBuilder heard = new StringBuilder();
        packets.forEach(packet -> heard.append(packet.text()));
        return heard.toString();
    }

    private static String indent(String text) {
        return text.lines().map(line -> "    " + line + "\n").reduce("", String::concat);
    }
}
