package io.ztunnel.worker;

import io.ztunnel.mesh.Changes;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.policy.CompiledPolicies;

/// One state of the mesh, its policies ready to judge with, and what changed since the one before.
public record Publication(MeshSnapshot mesh, CompiledPolicies policies, Changes changes) {

    /// Nothing is known yet.
    public static final Publication EMPTY =
            new Publication(MeshSnapshot.empty(), CompiledPolicies.none(), Changes.NONE);

    /// This publication as the successor of one that its reader never saw.
    public Publication after(Publication unseen) {
        return new Publication(mesh, policies, unseen.changes.and(changes));
    }
}
