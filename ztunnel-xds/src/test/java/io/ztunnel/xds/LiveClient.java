package io.ztunnel.xds;

import io.ztunnel.xds.proto.security.Authorization;
import io.ztunnel.xds.proto.workload.Address;

import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/// A client over real sockets with sinks that record, and short delays.
final class LiveClient implements AutoCloseable {
    private final ScheduledExecutorService owner =
            Executors.newSingleThreadScheduledExecutor(
                    Thread.ofPlatform().daemon().name("zt-mesh").factory());
    private final GrpcDeltaTransport transport;
    final RecordingSink<Address> addresses = new RecordingSink<>();
    final RecordingSink<Authorization> policies = new RecordingSink<>();
    final DeltaClient client;

    LiveClient(TransportSettings settings, NodeDescription node, Subscription.Mode addressMode) {
        this(settings, node, addressMode, XdsSettings.defaults().largestClaimBytes());
    }

    LiveClient(
            TransportSettings settings,
            NodeDescription node,
            Subscription.Mode addressMode,
            int largestClaim) {
        transport = new GrpcDeltaTransport(settings, owner);
        XdsSettings usual = XdsSettings.defaults();
        Duration soon = Duration.ofMillis(20);
        client =
                new DeltaClient(
                        new XdsSettings(
                                new XdsSettings.Reconnect(
                                        Duration.ofMillis(10), soon, soon, Duration.ofMinutes(1)),
                                largestClaim,
                                usual.answerWithin(),
                                usual.lookups()),
                        transport,
                        node,
                        List.of(
                                new Subscription<>(ResourceType.ADDRESS, addressMode, addresses),
                                Subscription.toAll(ResourceType.AUTHORIZATION, policies)),
                        new Clockwork(owner, System::nanoTime, new Random(5)));
    }

    LiveClient start() {
        client.start();
        return this;
    }

    /// Asks on the owner thread, where sinks and client are at rest.
    <T> T ask(Callable<T> question) {
        try {
            return owner.submit(question).get(20, TimeUnit.SECONDS);
        } catch (Exception failure) {
            throw new IllegalStateException(failure);
        }
    }

    XdsStats stats() {
        return client.stats().orTimeout(20, TimeUnit.SECONDS).join();
    }

    @Override
    public void close() {
        client.close();
        ask(() -> null);
        transport.close();
        owner.shutdown();
    }
}
