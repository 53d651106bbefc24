package io.ztunnel.observe;

import org.jspecify.annotations.Nullable;

/// The end of a connection: fine, failed, or cut by a drain.
///
/// @param error the sentence of the access line (docs/spec/config-observability-dns.md 5.6), null
///     where all went well
public record Outcome(ResponseFlag flag, @Nullable String error) {
    private static final Outcome OK = new Outcome(ResponseFlag.NONE, null);
    private static final Outcome DRAINED =
            new Outcome(ResponseFlag.NONE, "connection closed due to connection drain");

    public static Outcome ok() {
        return OK;
    }

    /// @param flag not [ResponseFlag#NONE]: a failure counts as failed
    public static Outcome failed(ResponseFlag flag, String error) {
        if (flag == ResponseFlag.NONE) {
            throw new IllegalArgumentException("a failure has a flag: " + error);
        }
        return new Outcome(flag, error);
    }

    /// Ended by us for want of anything that moves: an ERROR line, but not counted as failed.
    public static Outcome reaped(String error) {
        return new Outcome(ResponseFlag.NONE, error);
    }

    /// An ERROR line, but not counted as failed.
    public static Outcome drained() {
        return DRAINED;
    }
}
