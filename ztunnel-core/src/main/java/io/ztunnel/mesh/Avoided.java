package io.ztunnel.mesh;

/// Endpoints that a choice passes over, because they failed a moment ago.
///
/// Asked several times for each choice: implementations take O(1) and allocate nothing.
@FunctionalInterface
public interface Avoided {
    Avoided NOBODY = (_, _) -> false;

    /// @param port the port on the workload that the connection is meant for
    boolean contains(Workload workload, int port);
}
