package io.ztunnel.feed;

import io.ztunnel.worker.Lookups;
import io.ztunnel.xds.DeltaClient;
import io.ztunnel.xds.LookupEnd;
import io.ztunnel.xds.ResourceType;

import java.util.concurrent.CompletionStage;

/// Lookups in on-demand mode (docs/spec/control-plane.md 2.11). Lookups of one key share one
/// request, and what does not exist is not asked for again at once: the [DeltaClient] sees to both.
public final class ControlPlaneLookups implements Lookups {
    private final DeltaClient client;
    private final MeshWriter mesh;

    /// @param client subscribed to addresses on demand
    /// @param mesh where they go; on the thread of the client
    public ControlPlaneLookups(DeltaClient client, MeshWriter mesh) {
        this.client = client;
        this.mesh = mesh;
    }

    @Override
    public CompletionStage<Boolean> lookUp(String key) {
        return client.lookUp(ResourceType.ADDRESS, key)
                .thenCompose(
                        end -> mesh.whenPublished().thenApply(_ -> end != LookupEnd.TIMED_OUT));
    }
}
