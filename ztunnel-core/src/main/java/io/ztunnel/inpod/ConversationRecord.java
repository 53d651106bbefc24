package io.ztunnel.inpod;

import io.ztunnel.observe.NodeAgentFacts.Answers;

import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/// What happened in conversations with the node agent, counted. Kept by their thread; any thread
/// may read [#newest].
final class ConversationRecord {
    /// Why there is no conversation (any more), as the metrics name it.
    enum End {
        /// There was none: nobody listens, or nobody takes us.
        UNREACHABLE,
        /// The agent went.
        CLOSED,
        /// Reading or writing failed.
        FAILED,
        /// The agent sent what it must not.
        PROTOCOL,
        /// We are ending.
        DRAIN;

        String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// Immutable.
    ///
    /// @param conversations how often one began
    /// @param ends by [End#label]
    /// @param refusals by [Answer#refusal]
    record Numbers(
            boolean connected,
            long conversations,
            Map<String, Long> ends,
            Map<String, Long> refusals,
            Answers answers) {}

    private final Map<String, Long> ends = new TreeMap<>();
    private final Map<String, Long> refusals = new TreeMap<>();
    private Answers answers = Answers.NONE;
    private boolean connected;
    private long conversations;

    private volatile Numbers newest = new Numbers(false, 0, Map.of(), Map.of(), Answers.NONE);

    void began() {
        connected = true;
        conversations++;
        publish();
    }

    void ended(End why) {
        connected = false;
        ends.merge(why.label(), 1L, Long::sum);
        publish();
    }

    /// @param nanos from reading the request to sending the answer
    void answered(Answer answer, long nanos) {
        answers = answers.with(nanos / 1e9);
        String refusal = answer.refusal();
        if (refusal != null) {
            refusals.merge(refusal, 1L, Long::sum);
        }
        publish();
    }

    Numbers newest() {
        return newest;
    }

    private void publish() {
        newest =
                new Numbers(
                        connected, conversations, Map.copyOf(ends), Map.copyOf(refusals), answers);
    }
}
