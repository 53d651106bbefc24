package io.ztunnel;

import io.ztunnel.feed.ControlPlaneLookups;
import io.ztunnel.feed.MeshWriter;
import io.ztunnel.observe.Metrics;
import io.ztunnel.worker.Lookups;
import io.ztunnel.xds.Clockwork;
import io.ztunnel.xds.DeltaClient;
import io.ztunnel.xds.GrpcDeltaTransport;
import io.ztunnel.xds.ResourceType;
import io.ztunnel.xds.StreamEnd;
import io.ztunnel.xds.Subscription;
import io.ztunnel.xds.XdsSettings;
import io.ztunnel.xds.XdsStats;

import java.net.URI;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

/// The stream to istiod: what it pushes goes to the mesh writer, what it does is counted.
///
/// Everything of it runs on `zt-mesh`, so a resource goes from the wire into the snapshot without a
/// stop in between.
final class ControlPlane implements AutoCloseable {
    private final DeltaClient client;
    private final GrpcDeltaTransport transport;
    private final Lookups lookups;
    private final Metrics metrics;
    private final Map<String, Long> responses = new HashMap<>();
    private final Map<String, Long> bytes = new HashMap<>();
    private final Map<StreamEnd.Reason, Long> ends = new EnumMap<>(StreamEnd.Reason.class);

    ControlPlane(
            URI address,
            PartSettings parts,
            MeshWriter mesh,
            ScheduledExecutorService meshThread,
            Metrics metrics) {
        this.metrics = metrics;
        transport = new GrpcDeltaTransport(parts.controlPlane(address), meshThread);
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
                                RandomGenerator.of("L64X128MixRandom")));
        lookups = onDemand ? new ControlPlaneLookups(client, mesh) : Lookups.NONE;
        meshThread.scheduleWithFixedDelay(
                () -> client.stats().thenAccept(this::count), 1, 1, TimeUnit.SECONDS);
    }

    void start() {
        client.start();
    }

    /// For what is not pushed.
    Lookups lookups() {
        return lookups;
    }

    /// Completes when every type has been answered once.
    CompletableFuture<Void> synced() {
        return client.synced();
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
    }
}
