package io.ztunnel.outbound;

import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.observe.Party;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.Executor;
import java.util.function.Consumer;

/// Finds the address of a workload that the control plane knows by host name only
/// (docs/spec/dataplane.md 2.3, 5(d)). A door: the real one asks the system's resolver.
public interface NameResolver {

    /// @param preferV6 the family of the original destination, taken where both exist
    /// @param client who asks, for the counter
    record Query(String hostname, boolean preferV6, Party client, SpiffeId identity) {}

    /// @param loop where the answer is delivered
    /// @param then gets a random address, or null where the name has none
    void resolve(Query query, Executor loop, Consumer<@Nullable IpAddress> then);
}
