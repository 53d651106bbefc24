package io.ztunnel.hbone;

import java.io.IOException;

/// A stream under a [StreamChannel] was reset. Without a stack trace: peers decide how often.
public final class StreamLost extends IOException {

    private static final long serialVersionUID = 1L;

    private final transient StreamFailure failure;

    StreamLost(StreamFailure failure) {
        super(failure.text());
        this.failure = failure;
    }

    public StreamFailure failure() {
        return failure;
    }

    @Override
    public synchronized Throwable fillInStackTrace() {
        return this;
    }
}
