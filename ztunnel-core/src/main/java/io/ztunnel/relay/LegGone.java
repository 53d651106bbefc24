package io.ztunnel.relay;

import org.jspecify.annotations.Nullable;

/// How a leg ended without finishing (docs/spec/dataplane.md 5.4).
///
/// @param error null where it counts as an ordinary end of input, else what to tell the operator
/// @param refusesBytes whether bytes that still want to go there make the connection a failed one:
/// a     stream says that its peer left before all was written, a socket is silently gone
public record LegGone(@Nullable String error, boolean refusesBytes) {

    /// A socket that was reset or broke in an ordinary way.
    public static final LegGone SOCKET = new LegGone(null, false);

    /// A stream whose peer cancelled it.
    public static final LegGone STREAM = new LegGone(null, true);
}
