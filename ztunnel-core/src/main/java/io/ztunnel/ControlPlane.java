package io.ztunnel;

import io.ztunnel.feed.ControlPlaneLookups;
import io.ztunnel.feed.MeshWriter;
import io.ztunnel.observe.ControlPlaneFacts;
import io.ztunnel.observe.Metrics;
import io.ztunnel.worker.Lookups;
import io.ztunnel.xds.Clockwork;
import io.ztunnel.xds.DeltaClient;
import io.ztunnel.xds.GrpcDeltaTransport;
import io.ztunnel.xds.LastKnownGood;
import io.ztunnel.xds.ResourceType;
import io.ztunnel.xds.StreamEnd;
import io.ztunnel.xds.Subscription;
import io.ztunnel.xds.XdsSettings;
import io.ztunnel.xds.XdsStats;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.time.Duration;
import java.time.InstantSource;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

/// The stream to istiod: what it pushes goes to the mesh writer, what it does is counted, and
/// where a directory is given what it said is kept for the next start.
///
/// Everything of it runs on `zt-mesh`, so a resource goes from the wire into the snapshot without a
/// stop in between; only the kept state is written elsewhere, on `zt-keeper`.
final class ControlPlane implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ControlPlane.class);

    private final DeltaClient client;
    private final GrpcDeltaTransport transport;
    private final Lookups lookups;
    private final Metrics metrics;
    private final @Nullable ExecutorService keeperThread;
    private final Map<String, Long> responses = new HashMap<>();
    private final Map<String, Long> bytes = new HashMap<>();
    private final Map<StreamEnd.Reason, Long> ends = new EnumMap<>(StreamEnd.Reason.class);
    private volatile @Nullable Reading newest;

    /// What the client said of itself.
    ///
    /// @param takenNanos when, by `System.nanoTime`
    record Reading(XdsStats stats, long takenNanos) {}

    ControlPlane(
            URI address,
            PartSettings parts,
            MeshWriter mesh,
            ScheduledExecutorService meshThread,
            Metrics metrics) {
        this.metrics = metrics;
        transport = new GrpcDeltaTransport(parts.controlPlane(address), meshThread);
        LastKnownGood.Settings kept = parts.kept();
        keeperThread = kept == null ? null : keeperThread(kept);
        boolean onDemand = parts.onDemand();
        client =
                new DeltaClient(
                        XdsSettings.defaults(),
                        transport,
                        parts.node(),
                        List.of(
                                onDemand
                                        ? Subscription.onDemand(
                                                ResourceType.ADDRESS, mesh.addresses())
                                        : Subscription.toAll(
                                                ResourceType.ADDRESS, mesh.addresses()),
                                Subscription.toAll(ResourceType.AUTHORIZATION, mesh.policies())),
                        new Clockwork(
                                meshThread,
                                System::nanoTime,
                                RandomGenerator.of("L64X128MixRandom")),
                        kept == null || keeperThread == null
                                ? null
                                : new LastKnownGood(
                                        kept, meshThread, keeperThread, InstantSource.system()));
        lookups = onDemand ? new ControlPlaneLookups(client, mesh) : Lookups.NONE;
        meshThread.scheduleWithFixedDelay(
                () -> client.stats().thenAccept(this::read), 0, 1, TimeUnit.SECONDS);
    }

    private static ExecutorService keeperThread(LastKnownGood.Settings kept) {
        try {
            Files.createDirectories(kept.directory());
        } catch (IOException unusable) {
            // Not the end of the start: what is kept is there to start more often, not less.
            LOG.error(
                    "XDS_SNAPSHOT_DIRECTORY={}: cannot be made, so nothing can be kept: {}",
                    kept.directory(),
                    unusable.toString());
        }
        return Executors.newSingleThreadExecutor(
                Thread.ofPlatform().name("zt-keeper").daemon().factory());
    }

    void start() {
        client.start();
    }

    /// For what is not pushed.
    Lookups lookups() {
        return lookups;
    }

    /// Completes when every type has been answered once, or was restored from what was kept.
    CompletableFuture<Void> synced() {
        return client.synced();
    }

    /// What the client said of itself last; null before the first time. Any thread.
    @Nullable Reading newest() {
        return newest;
    }

    private void read(XdsStats now) {
        Reading reading = new Reading(now, System.nanoTime());
        newest = reading;
        metrics.controlPlane(facts(reading));
        count(now);
    }

    private static ControlPlaneFacts facts(Reading reading) {
        XdsStats now = reading.stats();
        XdsStats.Kept kept = now.kept();
        Duration age = kept == null ? null : kept.age();
        return new ControlPlaneFacts(
                now.state() == XdsStats.StreamState.STREAMING,
                reading.takenNanos() - now.stateFor().toNanos(),
                now.streamsOpened(),
                now.types().stream()
                        .map(
                                type ->
                                        new ControlPlaneFacts.OfType(
                                                type.typeUrl(),
                                                reading.takenNanos()
                                                        - type.sinceLastResponse().toNanos(),
                                                type.resources(),
                                                type.rejectedCount(),
                                                type.nacks()))
                        .toList(),
                age == null ? null : reading.takenNanos() - age.toNanos());
    }

    private void count(XdsStats now) {
        for (XdsStats.TypeStats type : now.types()) {
            long fresh = type.responses() - responses.getOrDefault(type.typeUrl(), 0L);
            long size = type.valueBytes() - bytes.getOrDefault(type.typeUrl(), 0L);
            if (fresh > 0) {
                metrics.xdsMessages(type.typeUrl(), fresh, size);
                responses.put(type.typeUrl(), type.responses());
                bytes.put(type.typeUrl(), type.valueBytes());
            }
        }
        now.terminations()
                .forEach(
                        (reason, total) -> {
                            for (long at = ends.getOrDefault(reason, 0L); at < total; at++) {
                                metrics.xdsTermination(end(reason));
                            }
                            ends.put(reason, total);
                        });
    }

    private static Metrics.XdsEnd end(StreamEnd.Reason reason) {
        return switch (reason) {
            case CONNECTION_ERROR -> Metrics.XdsEnd.CONNECTION_ERROR;
            case ERROR -> Metrics.XdsEnd.ERROR;
            case RECONNECT -> Metrics.XdsEnd.RECONNECT;
            case COMPLETE -> Metrics.XdsEnd.COMPLETE;
        };
    }

    @Override
    public void close() {
        client.close();
        transport.close();
        if (keeperThread != null) {
            // A file that is being written stays beside the one in force.
            keeperThread.shutdown();
        }
    }
}
