package io.ztunnel.feed;

import io.ztunnel.worker.Lookups;
import io.ztunnel.xds.DeltaClient;
import io.ztunnel.xds.ResourceType;

import java.util.concurrent.CompletionStage;

/// Lookups in on-demand mode: the answer is in the snapshot that [MeshWriter] has published before
/// the lookup completes.
public final class ControlPlaneLookups implements Lookups {
    private final DeltaClient client;

    /// @param client subscribed to addresses on demand
    public ControlPlaneLookups(DeltaClient client) {
        this.client = client;
    }

    @Override
    public CompletionStage<Void> lookUp(String key) {
        return client.lookUp(ResourceType.ADDRESS, key).thenAccept(_ -> {});
    }
}
