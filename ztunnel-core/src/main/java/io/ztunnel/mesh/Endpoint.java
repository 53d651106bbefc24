package io.ztunnel.mesh;

/// A workload as a backend of one service.
///
/// @param ports service port to target port, for the ports that this workload maps by itself
public record Endpoint(String workloadUid, PortMap ports, boolean healthy) {}
