package io.ztunnel.route;

import io.ztunnel.mesh.Avoided;

import java.util.Set;

/// What a connection and its worker have learned beside the mesh, as far as it bears on a route.
///
/// @param failed endpoints that this connection has tried in vain: not chosen again
/// @param avoided endpoints that failed others a moment ago: chosen only where nobody else is left
/// @param asked keys this connection has asked the control plane for, answered or not
public record Experience(Avoided failed, Avoided avoided, Set<String> asked) {

    /// Nothing yet, and nothing to be careful about.
    public static final Experience NONE = new Experience(Avoided.NOBODY, Avoided.NOBODY, Set.of());
}
