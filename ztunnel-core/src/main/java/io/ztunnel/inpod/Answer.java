package io.ztunnel.inpod;

/// What the node agent is told (docs/spec/inpod-and-deployment.md 1.5).
sealed interface Answer {
    record Done() implements Answer {}

    /// The pod has no proxy; the conversation goes on.
    record NotStarted(String detail) implements Answer {}

    /// The conversation ends.
    record Violation(String detail) implements Answer {}

    default byte[] encoded() {
        return switch (this) {
            case Done _ -> ZdsCodec.done();
            case NotStarted(String detail) -> ZdsCodec.failed("failure to start proxy : " + detail);
            case Violation(String detail) ->
                    ZdsCodec.failed("failure to process message : " + detail);
        };
    }
}
