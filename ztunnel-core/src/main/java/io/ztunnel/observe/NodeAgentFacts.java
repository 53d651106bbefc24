package io.ztunnel.observe;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/// How it stands with the CNI node agent, for a scrape.
///
/// @param connected whether a conversation is under way
/// @param conversations how often one began
/// @param ends of conversations, and connections that never came about, by reason
/// @param refusals answers that were no success, by reason
/// @param answers how long the agent waited for them
/// @param startFailures attempts to start a pod that failed, retries included
/// @param withoutNamespace pods that came without a network namespace of their own
/// @param refusedPorts attempts that failed because of a port, by port
/// @param keptUnknown pods that the agent keeps and that have no proxy here
public record NodeAgentFacts(
        boolean connected,
        long conversations,
        Map<String, Long> ends,
        Map<String, Long> refusals,
        Answers answers,
        long startFailures,
        long withoutNamespace,
        Map<Integer, Long> refusedPorts,
        int keptUnknown) {

    /// A histogram of seconds.
    ///
    /// @param counts one for each of [#BOUNDS] and one more for what took longer
    public record Answers(List<Long> counts, double sum) {
        static final List<Double> BOUNDS =
                List.of(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0);

        public static final Answers NONE =
                new Answers(Collections.nCopies(BOUNDS.size() + 1, 0L), 0);

        /// With one more.
        public Answers with(double seconds) {
            int bucket = 0;
            while (bucket < BOUNDS.size() && seconds > BOUNDS.get(bucket)) {
                bucket++;
            }
            List<Long> more = new ArrayList<>(counts);
            more.set(bucket, more.get(bucket) + 1);
            return new Answers(List.copyOf(more), sum + seconds);
        }
    }
}
