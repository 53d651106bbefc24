package io.ztunnel.pod;

import io.ztunnel.net.Netns;
import io.ztunnel.worker.PodInfo;
import io.ztunnel.worker.PodUid;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/// Where pods run: the door through which the conversation with the CNI node agent reaches
/// listeners.
///
/// Called on `zt-inpod`, must return at once; the futures may complete on any thread.
/// docs/spec/inpod-and-deployment.md 1.8 and 5.2.
@FunctionalInterface
public interface PodHost {
    /// Opens everything of the pod on every worker.
    ///
    /// Completes as soon as all listeners are bound: the node agent waits for it, so it must wait
    /// neither for the control plane nor for certificates. Fails with the reason, everything that
    /// was opened being closed again. The same pod may be started a second time while an older
    /// instance of it is still being stopped.
    ///
    /// @param netns belongs to the host from here on, which closes it after the last socket, or
    ///     when it fails
    CompletableFuture<RunningPod> start(PodUid uid, PodInfo info, Netns netns);

    /// One instance of a pod, all its listeners bound.
    @FunctionalInterface
    interface RunningPod {
        /// Closes the listeners now and the connections when they are done.
        ///
        /// May be called again with a shorter time, which then counts. Does not depend on the
        /// namespace still having an interface.
        ///
        /// @param within after so long connections are cut; zero cuts them at once
        /// @return completes when nothing of this instance is left
        CompletableFuture<Void> stop(Duration within);

        /// The same at the end of the process, where another one may serve the pod on: it looks who
        /// else listens there, and leaves those on their way to him.
        default CompletableFuture<Void> handOver(Duration within) {
            return stop(within);
        }
    }
}
