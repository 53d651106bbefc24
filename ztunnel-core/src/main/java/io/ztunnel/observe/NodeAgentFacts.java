package io.ztunnel.observe;

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
    /// @param counts one for each of [#bounds] and one more for what took longer
    public record Answers(long[] counts, double sum) {
        private static final double[] BOUNDS = {
            0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5
        };

        public static double[] bounds() {
            return BOUNDS.clone();
        }

        public static final Answers NONE = new Answers(new long[BOUNDS.length + 1], 0);

        public Answers {
            counts = counts.clone();
        }

        @Override
        public long[] counts() {
            return counts.clone();
        }

        /// With one more.
        public Answers with(double seconds) {
            int bucket = 0;
            while (bucket < BOUNDS.length && seconds > BOUNDS[bucket]) {
                bucket++;
            }
            Answers more = new Answers(counts, sum + seconds);
            more.counts[bucket]++;
            return more;
        }
    }
}
