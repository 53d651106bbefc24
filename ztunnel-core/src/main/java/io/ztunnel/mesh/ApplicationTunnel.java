package io.ztunnel.mesh;

/// What a sandwiched waypoint wants in front of the bytes (docs/spec/dataplane.md 3.4 and 3.5).
///
/// @param port the port that replaces the port of the request, 0 where it stays
public record ApplicationTunnel(Kind kind, int port) {

    /// `NONE`: the bytes alone. `PROXY`: a PROXY protocol version 2 header first.
    public enum Kind {
        NONE,
        PROXY
    }
}
