package io.ztunnel.xds;

/// A resource that was not taken over, and why. The reason goes to the control plane and to
/// operators; it names the field, not the client's internals.
public record Rejection(String name, String reason) {}
