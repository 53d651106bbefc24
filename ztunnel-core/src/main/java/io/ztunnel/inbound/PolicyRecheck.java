package io.ztunnel.inbound;

import io.ztunnel.mesh.Workload;
import io.ztunnel.worker.LiveConnection;
import io.ztunnel.worker.PodSlice;
import io.ztunnel.worker.Publication;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.function.Consumer;

/// Judges the open connections of a slice again when policies change, or when the pod's own list of
/// them does, and ends those that are no longer allowed (docs/spec/control-plane.md 5.6).
///
/// Confined to the worker's loop.
final class PolicyRecheck implements Consumer<Publication> {
    private final PodSlice slice;
    private @Nullable List<String> listed;

    PolicyRecheck(PodSlice slice) {
        this.slice = slice;
    }

    @Override
    public void accept(Publication publication) {
        Workload local = slice.local().find();
        List<String> before = listed;
        listed = local == null ? null : local.authorizationPolicies();
        boolean listChanged = listed != null && !listed.equals(before);
        if (publication.changes().affectsPolicy() || listChanged) {
            slice.inbound().forEach(PolicyRecheck::rejudge);
        }
    }

    private static void rejudge(LiveConnection connection) {
        ((InboundConnection) connection).rejudge();
    }
}
