package io.ztunnel.xds;

import io.ztunnel.xds.proto.security.Authorization;
import io.ztunnel.xds.proto.workload.Address;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;

/// A client, its sinks and a scripted control plane on one hand-moved thread.
final class Play {
    static final NodeDescription NODE =
            new NodeDescription(
                    "10.20.1.2", "ztunnel-node1", "istio-system", "node1", Map.of(), Map.of());

    final HandMovedScheduler time = new HandMovedScheduler();
    final ScriptedTransport peer = new ScriptedTransport();
    final RecordingSink<Address> addresses = new RecordingSink<>();
    final RecordingSink<Authorization> policies = new RecordingSink<>();
    final DeltaClient client;

    private Play(XdsSettings settings, Subscription.Mode addressMode) {
        client =
                new DeltaClient(
                        settings,
                        peer,
                        NODE,
                        List.of(
                                new Subscription<>(ResourceType.ADDRESS, addressMode, addresses),
                                Subscription.toAll(ResourceType.AUTHORIZATION, policies)),
                        new Clockwork(time, time::nanoTime, new Random(7)));
    }

    static Play wildcard() {
        return new Play(XdsSettings.defaults(), Subscription.Mode.WILDCARD).start();
    }

    static Play onDemand() {
        return new Play(XdsSettings.defaults(), Subscription.Mode.ON_DEMAND).start();
    }

    static Play with(XdsSettings settings, Subscription.Mode mode) {
        return new Play(settings, mode).start();
    }

    static XdsSettings claimingAtMost(int bytes) {
        XdsSettings usual = XdsSettings.defaults();
        return new XdsSettings(usual.reconnect(), bytes, usual.answerWithin(), usual.lookups());
    }

    private Play start() {
        client.start();
        time.run();
        return this;
    }

    /// Ends the stream and waits until the next one is there.
    ScriptedTransport.ScriptedStream reconnect() {
        int before = peer.opened();
        peer.stream().end(StreamEnd.Reason.ERROR, "ABORTED", "by the script");
        while (peer.opened() == before) {
            time.advance(Duration.ofMillis(1));
        }
        return peer.stream();
    }

    CompletableFuture<LookupEnd> lookUp(String key) {
        CompletableFuture<LookupEnd> end = client.lookUp(ResourceType.ADDRESS, key);
        time.run();
        return end;
    }

    XdsStats stats() {
        CompletableFuture<XdsStats> stats = client.stats();
        time.run();
        return stats.join();
    }

    XdsStats.TypeStats addressStats() {
        return stats().types().getFirst();
    }
}
