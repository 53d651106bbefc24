package io.ztunnel.xds;

/// How an on-demand lookup ended. In each case the present state is the best answer there is.
public enum LookupEnd {
    /// A resource of that name or alias was received; whether it was acceptable is another matter.
    ANSWERED,
    /// The control plane knows no such resource.
    ABSENT,
    /// No answer in time. A later one is still applied.
    TIMED_OUT
}
