package io.ztunnel.observe;

/// How large the mesh is, for a scrape.
///
/// @param unknownPolicies keys that workloads of this node list and nobody has defined: policies
///     that do not protect
public record MeshFacts(long workloads, long services, long policies, long unknownPolicies) {}
