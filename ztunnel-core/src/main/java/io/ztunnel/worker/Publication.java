package io.ztunnel.worker;

import io.ztunnel.mesh.Changes;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.policy.CompiledPolicies;

/// One version of what is known, as it travels to the workers. Nothing in it ever changes.
///
/// @param changes what differs from the publication before; merged where a worker skipped some
public record Publication(MeshSnapshot mesh, CompiledPolicies policies, Changes changes) {

    public static final Publication EMPTY =
            new Publication(MeshSnapshot.empty(), CompiledPolicies.none(), Changes.NONE);
}
