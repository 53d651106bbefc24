package io.ztunnel.inpod;

import org.jspecify.annotations.Nullable;

/// What the node agent is told (docs/spec/inpod-and-deployment.md 1.5).
sealed interface Answer {
    record Done() implements Answer {}

    /// The pod has no proxy; the conversation goes on.
    record NotStarted(String detail) implements Answer {}

    /// The pod has no proxy yet; the attempt and the conversation go on.
    record Late(String detail) implements Answer {}

    /// A request of a later version of the protocol; the conversation goes on.
    record NotUnderstood(String detail) implements Answer {}

    /// The conversation ends.
    record Violation(String detail) implements Answer {}

    /// A packet that breaks the receive rules; the conversation ends.
    ///
    /// @param cut whether it was longer than we read, or carried more descriptors
    record Unreadable(String detail, boolean cut) implements Answer {}

    default byte[] encoded() {
        return switch (this) {
            case Done _ -> ZdsCodec.done();
            case NotStarted(String detail) -> ZdsCodec.failed("failure to start proxy : " + detail);
            case Late(String detail) -> ZdsCodec.failed("failure to start proxy : " + detail);
            case NotUnderstood(String detail) ->
                    ZdsCodec.failed("failure to process message : " + detail);
            case Violation(String detail) ->
                    ZdsCodec.failed("failure to process message : " + detail);
            case Unreadable(String detail, boolean _) ->
                    ZdsCodec.failed("failure to read message : " + detail);
        };
    }

    /// The reason as the metrics name it, null for [Done].
    default @Nullable String refusal() {
        return switch (this) {
            case Done _ -> null;
            case NotStarted _ -> "not_started";
            case Late _ -> "late";
            case NotUnderstood _ -> "not_understood";
            case Violation _ -> "protocol";
            case Unreadable(String _, boolean cut) -> cut ? "truncated" : "unreadable";
        };
    }
}
