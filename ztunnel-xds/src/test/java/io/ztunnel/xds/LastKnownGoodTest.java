package io.ztunnel.xds;

import static io.ztunnel.xds.Responses.addresses;
import static io.ztunnel.xds.Responses.garbage;
import static io.ztunnel.xds.Responses.gone;
import static io.ztunnel.xds.Responses.policies;
import static io.ztunnel.xds.Responses.policy;
import static io.ztunnel.xds.Responses.workload;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.xds.proto.security.Authorization;
import io.ztunnel.xds.proto.workload.Address;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;

/// A node that restarts without a control plane begins with what it knew, or with nothing.
class LastKnownGoodTest {
    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    @TempDir Path directory;

    /// One run of the node: a client with empty sinks on the shared directory.
    private final class NodeRun {
        final HandMovedScheduler time = new HandMovedScheduler();
        final long begun = time.nanoTime();
        final ScriptedTransport peer = new ScriptedTransport();
        final RecordingSink<Address> addresses = new RecordingSink<>();
        final RecordingSink<Authorization> policies = new RecordingSink<>();
        final DeltaClient client;

        NodeRun(Instant start) {
            LastKnownGood keeper =
                    new LastKnownGood(
                            new LastKnownGood.Settings(
                                    directory,
                                    Duration.ofHours(1),
                                    Duration.ofSeconds(5),
                                    Duration.ofSeconds(3)),
                            time,
                            Runnable::run,
                            () -> start.plusNanos(time.nanoTime() - begun));
            client =
                    new DeltaClient(
                            XdsSettings.defaults(),
                            peer,
                            Play.NODE,
                            List.of(
                                    Subscription.toAll(ResourceType.ADDRESS, addresses),
                                    Subscription.toAll(ResourceType.AUTHORIZATION, policies)),
                            new Clockwork(time, time::nanoTime, new Random(1)),
                            keeper);
            client.start();
            time.run();
        }

        NodeRun fed() {
            peer.stream().respond(addresses("1", workload("a", "va"), workload("b", "vb")));
            peer.stream().respond(policies("2", policy("p")));
            time.advance(Duration.ofSeconds(6));
            return this;
        }

        XdsStats stats() {
            var stats = client.stats();
            time.run();
            return stats.join();
        }
    }

    private Path file() {
        return directory.resolve("xds-snapshot");
    }

    @Test
    void theNextProcessBeginsWithItAndClaimsIt() {
        new NodeRun(START).fed();

        NodeRun next = new NodeRun(START.plusSeconds(60));

        assertThat(next.addresses.state()).containsOnlyKeys("a", "b");
        assertThat(next.policies.state()).containsOnlyKeys("ns/p");
        assertThat(next.peer.stream().received().getFirst().getInitialResourceVersionsMap())
                .isEqualTo(Map.of("a", "va", "b", "vb"));
        assertThat(next.stats().kept().age())
                .isBetween(Duration.ofSeconds(50), Duration.ofSeconds(60));
    }

    @Test
    void theControlPlaneIsWaitedForAMomentBeforeWhatWasKeptIsServed() {
        new NodeRun(START).fed();

        NodeRun next = new NodeRun(START.plusSeconds(60));
        assertThat(next.client.synced()).isNotDone();
        next.time.advance(Duration.ofSeconds(4));

        assertThat(next.client.synced()).isDone();
        assertThat(next.stats().types()).noneMatch(XdsStats.TypeStats::synced);
    }

    @Test
    void aControlPlaneThatCannotBeReachedIsNotWaitedFor() {
        new NodeRun(START).fed();

        NodeRun next = new NodeRun(START.plusSeconds(60));
        next.peer.stream().end(StreamEnd.Reason.CONNECTION_ERROR, "", "refused");
        next.time.run();

        assertThat(next.client.synced()).isDone();
        assertThat(next.stats().kept().restored()).isTrue();
    }

    @Test
    void anAnswerOfTheControlPlaneGoesBeforeWhatWasKept() {
        new NodeRun(START).fed();

        NodeRun next = new NodeRun(START.plusSeconds(60));
        next.peer.stream().respond(gone(ResourceType.ADDRESS, "1", "a"));
        next.peer.stream().respond(policies("2", policy("p")));

        assertThat(next.client.synced()).isDone();
        assertThat(next.addresses.state()).containsOnlyKeys("b");
        assertThat(next.stats().types()).allMatch(XdsStats.TypeStats::synced);
    }

    @Test
    void withoutAnythingKeptNobodyIsReadyBeforeTheControlPlaneAnswers() {
        NodeRun run = new NodeRun(START);
        run.peer.stream().end(StreamEnd.Reason.CONNECTION_ERROR, "", "refused");
        run.time.advance(Duration.ofMinutes(5));

        assertThat(run.client.synced()).isNotDone();
    }

    @Test
    void everyRefusalSaysWhy() throws IOException {
        new NodeRun(START).fed();
        byte[] whole = Files.readAllBytes(file());
        assertThat(new NodeRun(START.plusSeconds(4_000)).stats().kept().refusal())
                .contains("last confirmed", "is believed for 3600 s");

        assertThat(refusal(byteAt(whole, 5, 9))).contains("of version 9", "only version 1");
        assertThat(refusal(byteAt(whole, 0, 'X'))).contains("no snapshot");
        assertThat(refusal(Arrays.copyOf(whole, whole.length - 1))).contains("damaged");
        assertThat(refusal(byteAt(whole, whole.length - 1, ~whole[whole.length - 1])))
                .contains("damaged", "checksum");
        assertThat(refusal(new byte[0])).contains("no snapshot");
    }

    private String refusal(byte[] content) throws IOException {
        Files.write(file(), content);
        XdsStats.Kept kept = new NodeRun(START).stats().kept();
        assertThat(kept.restored()).isFalse();
        return kept.refusal();
    }

    private static byte[] byteAt(byte[] whole, int at, int value) {
        byte[] changed = whole.clone();
        changed[at] = (byte) value;
        return changed;
    }

    @Test
    void aFaultWhileApplyingIsNotKept() {
        NodeRun first = new NodeRun(START).fed();
        first.addresses.fault = new IllegalStateException("a bug");
        first.peer.stream().respond(addresses("3", workload("c", "vc")));
        first.time.advance(Duration.ofSeconds(6));

        assertThat(new NodeRun(START.plusSeconds(60)).addresses.state()).containsOnlyKeys("a", "b");
    }

    @Test
    void changesAndRemovalsAreMergedAndRefusalsKeepTheOldContent() {
        NodeRun first = new NodeRun(START).fed();
        first.peer.stream().respond(addresses("3", workload("c", "vc"), garbage("a", "bad")));
        first.peer.stream().respond(gone(ResourceType.ADDRESS, "4", "b"));
        first.time.advance(Duration.ofSeconds(6));

        NodeRun next = new NodeRun(START.plusSeconds(60));

        assertThat(next.peer.stream().received().getFirst().getInitialResourceVersionsMap())
                .isEqualTo(Map.of("a", "va", "c", "vc"));
        assertThat(next.addresses.state()).containsOnlyKeys("a", "c");
    }

    @Test
    void changesOfARestoredProcessGoOnTopOfTheOldFile() {
        new NodeRun(START).fed();
        NodeRun second = new NodeRun(START.plusSeconds(60));
        second.peer.stream().respond(addresses("1", workload("c", "vc")));
        second.time.advance(Duration.ofSeconds(6));

        assertThat(new NodeRun(START.plusSeconds(120)).addresses.state())
                .containsOnlyKeys("a", "b", "c");
    }

    @Test
    void tooOldIsRefusedAndConfirmationKeepsItYoung() {
        NodeRun first = new NodeRun(START).fed();
        assertThat(new NodeRun(START.plusSeconds(3_700)).addresses.state()).isEmpty();

        first.time.advance(Duration.ofMinutes(50));
        first.peer.stream().respond(policies("5"));
        assertThat(new NodeRun(START.plusSeconds(3_700)).addresses.state()).hasSize(2);
    }

    @Test
    void anyDamageRefusesAllOfIt() throws IOException {
        new NodeRun(START).fed();
        byte[] whole = Files.readAllBytes(file());
        for (int at = 0; at < whole.length; at++) {
            byte[] damaged = whole.clone();
            damaged[at] ^= 4;
            Files.write(file(), damaged);
            Files.setLastModifiedTime(
                    file(), java.nio.file.attribute.FileTime.from(START.plusSeconds(1)));
            NodeRun next = new NodeRun(START.plusSeconds(60));
            assertThat(next.addresses.state()).as("byte " + at).isEmpty();
            assertThat(next.policies.state()).isEmpty();
            assertThat(next.client.synced()).isNotDone();
        }
        Files.write(file(), Arrays.copyOf(whole, whole.length - 1));
        assertThat(new NodeRun(START).addresses.state()).isEmpty();
    }

    @Test
    void aRefusedFileIsNotMixedWithWhatComes() throws IOException {
        new NodeRun(START).fed();
        Files.write(file(), new byte[] {1, 2, 3});
        NodeRun second = new NodeRun(START);
        second.peer.stream().respond(addresses("1", workload("only", "v")));
        second.peer.stream().respond(policies("2"));
        second.time.advance(Duration.ofSeconds(6));

        assertThat(new NodeRun(START.plusSeconds(10)).addresses.state()).containsOnlyKeys("only");
    }

    @Test
    void workloadsWithoutPoliciesAreNotRestored() {
        NodeRun first = new NodeRun(START);
        first.peer.stream().respond(addresses("1", workload("a", "va")));
        first.time.advance(Duration.ofSeconds(6));

        assertThat(file()).exists();
        assertThat(new NodeRun(START.plusSeconds(10)).addresses.state()).isEmpty();
    }

    @Test
    void onlyTheOwnerMayReadItAndNothingElseIsLeftBehind() throws IOException {
        new NodeRun(START).fed();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file())))
                .isEqualTo("rw-------");
        try (var files = Files.list(directory)) {
            assertThat(files).containsExactly(file());
        }
    }

    @Test
    void aDirectoryThatIsAwayCostsOnlyTheKeeping() throws IOException {
        Files.delete(directory);
        NodeRun process = new NodeRun(START).fed();
        assertThat(process.addresses.state()).hasSize(2);
        assertThat(process.stats().kept().age()).isNull();

        Files.createDirectory(directory);
        process.time.advance(Duration.ofSeconds(6));
        assertThat(new NodeRun(START.plusSeconds(20)).addresses.state()).hasSize(2);
    }
}
