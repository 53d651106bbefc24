package io.ztunnel.hbone;

import io.ztunnel.hbone.h2.ErrorCode;

/// A CONNECT that went out and waits for its answer.
final class PendingAnswer implements Opening {

    /// For openings that were over before they began.
    static final Opening NOTHING = () -> {};

    private final Stream stream;
    private final OpenListener listener;
    private final long deadline;
    private boolean done;

    /// @param deadline loop's nanos
    PendingAnswer(Stream stream, OpenListener listener, long deadline) {
        this.stream = stream;
        this.listener = listener;
        this.deadline = deadline;
    }

    OpenListener listener() {
        return listener;
    }

    long deadline() {
        return deadline;
    }

    boolean isDone() {
        return done;
    }

    void done() {
        done = true;
    }

    void timeOut() {
        cancel();
        listener.onFailure(new OpenFailure.TimedOut());
    }

    @Override
    public void cancel() {
        if (!done) {
            done = true;
            stream.unanswered = null;
            stream.reset(ErrorCode.CANCEL);
        }
    }
}
