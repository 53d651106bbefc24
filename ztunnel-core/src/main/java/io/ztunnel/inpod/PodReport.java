package io.ztunnel.inpod;

import io.ztunnel.worker.PodInfo;
import io.ztunnel.worker.PodUid;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;

/// The pods of the node as they stand, for metrics and the admin port
/// (docs/spec/inpod-and-deployment.md 1.8). Immutable.
///
/// @param pods at most one entry for each uid, in the order in which they were first added
/// @param keptUnknown whom the agent keeps and who has no proxy here: they stay without one until
///     the agent adds them
public record PodReport(Counts counts, List<Entry> pods, List<PodUid> keptUnknown) {
    public static final PodReport EMPTY =
            new PodReport(new Counts(0, 0, 0, 0, 0, 0, Map.of()), List.of(), List.of());

    /// @param active gauge `workload_manager_active_proxy_count`
    /// @param pending gauge `workload_manager_pending_proxy_count`
    /// @param started counter `workload_manager_proxies_started_total`
    /// @param stopped counter `workload_manager_proxies_stopped_total`
    /// @param failedAttempts counter: starts that failed, retries included
    /// @param refused counter: pods that came without a namespace of their own
    /// @param refusedPorts counter by port: starts that failed because it could not be bound
    public record Counts(
            int active,
            int pending,
            long started,
            long stopped,
            long failedAttempts,
            long refused,
            Map<Integer, Long> refusedPorts) {}

    /// The words of `workloadState` in the configuration dump.
    public enum State {
        /// Wanted, but its listeners are not bound.
        PENDING("Pending"),
        /// All listeners bound; stays until the last instance has stopped.
        UP("Up");

        private final String word;

        State(String word) {
            this.word = word;
        }

        @Override
        public String toString() {
            return word;
        }
    }

    /// @param failedAttempts since this instance of the pod was added
    /// @param failure why the last attempt failed, null where there was none or it did not
    public record Entry(
            PodUid uid, PodInfo info, State state, int failedAttempts, @Nullable String failure) {}
}
