package io.ztunnel.hbone;

import io.ztunnel.hbone.h2.ErrorCode;

/// A CONNECT that went out and waits for its answer.
final class PendingAnswer implements Opening {

    /// For openings that were over before they began.
    static final Opening NOTHING = () -> {};

    private final Stream stream;
    private final OpenListener listener;
    private final long heardBefore;
    private final long deadline;
    private boolean done;

    /// @param heardBefore what [Liveness#arrivals] was when the request went out
    /// @param deadline loop's nanos
    PendingAnswer(Stream stream, OpenListener listener, long heardBefore, long deadline) {
        this.stream = stream;
        this.listener = listener;
        this.heardBefore = heardBefore;
        this.deadline = deadline;
    }

    OpenListener listener() {
        return listener;
    }

    long heardBefore() {
        return heardBefore;
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
        fail(new OpenFailure.TimedOut());
    }

    /// Gives the stream up; the peer is told, in case it hears.
    void fail(OpenFailure failure) {
        cancel();
        listener.onFailure(failure);
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
