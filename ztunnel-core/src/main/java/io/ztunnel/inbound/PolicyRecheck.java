package io.ztunnel.inbound;

import io.ztunnel.mesh.Workload;
import io.ztunnel.policy.CompiledPolicies;
import io.ztunnel.worker.LiveConnection;
import io.ztunnel.worker.PodSlice;
import io.ztunnel.worker.Publication;

import org.jspecify.annotations.Nullable;

import java.util.function.Consumer;

/// Judges the open connections of a slice again when policies that bear on its pod change, or when
/// the pod's own list of them does, and ends those that are no longer allowed
/// (docs/spec/control-plane.md 5.6). Other changes cost a few comparisons for each pod.
///
/// Confined to the worker's loop.
final class PolicyRecheck implements Consumer<Publication> {
    private final PodSlice slice;
    private CompiledPolicies policies;
    private @Nullable Workload local;

    PolicyRecheck(PodSlice slice) {
        this.slice = slice;
        this.policies = slice.worker().mesh().policies();
        this.local = slice.local().find();
    }

    @Override
    public void accept(Publication publication) {
        // A pod that the mesh forgets for a moment is judged as it was.
        Workload found = slice.local().find();
        Workload now = found == null ? local : found;
        CompiledPolicies current = publication.policies();
        boolean same = now != null && local != null && current.sameFor(now, policies, local);
        policies = current;
        local = now;
        if (!same) {
            slice.inbound().forEach(PolicyRecheck::rejudge);
        }
    }

    private static void rejudge(LiveConnection connection) {
        ((InboundConnection) connection).rejudge();
    }
}
