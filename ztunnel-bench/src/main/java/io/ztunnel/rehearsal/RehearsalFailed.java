package io.ztunnel.rehearsal;

import org.jspecify.annotations.Nullable;

/// Says in one sentence why there is no cache.
final class RehearsalFailed extends Exception {
    private static final long serialVersionUID = 1L;

    RehearsalFailed(String what) {
        this(what, null);
    }

    RehearsalFailed(String what, @Nullable Throwable cause) {
        super(what, cause);
    }
}
