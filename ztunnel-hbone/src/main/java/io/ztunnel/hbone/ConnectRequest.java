package io.ztunnel.hbone;

import org.jspecify.annotations.Nullable;

/// The CONNECT that opens a stream (`docs/spec/dataplane.md` 2.4). Headers go out in the order of
/// the components; those that are null do not go out at all, empty ones do.
///
/// @param authority `a.b.c.d:port`, `[v6]:port` or `hostname:port`, carried as it is
/// @param baggage who is calling, for telemetry
/// @param forwarded original source and addressed service
/// @param traceparent trace context
/// @param forwardedNetwork network of the caller; only inside a tunnel through a network gateway
public record ConnectRequest(
        String authority,
        @Nullable String baggage,
        @Nullable String forwarded,
        @Nullable String traceparent,
        @Nullable String forwardedNetwork) {

    /// @throws IllegalArgumentException if a value holds a character that no header value may
    ///     hold
    public ConnectRequest {
        printable("authority", authority);
        printable("baggage", baggage);
        printable("forwarded", forwarded);
        printable("traceparent", traceparent);
        printable("x-forwarded-network", forwardedNetwork);
    }

    public static ConnectRequest to(String authority) {
        return new ConnectRequest(authority, null, null, null, null);
    }

    private static void printable(String name, @Nullable String value) {
        if (value == null) {
            return;
        }
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c < ' ' || c > '~') {
                throw new IllegalArgumentException(
                        name + " holds a character that a header cannot carry: " + (int) c);
            }
        }
    }
}
