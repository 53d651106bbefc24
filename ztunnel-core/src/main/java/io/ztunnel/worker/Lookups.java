package io.ztunnel.worker;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/// Asks the control plane for what the present snapshot does not hold (door). Where everything is
/// pushed anyway there is nothing to ask.
public interface Lookups {

    /// Knows the answer already: there is nothing more to be had.
    Lookups NONE = _ -> CompletableFuture.completedFuture(true);

    /// Completes, on any thread and within a bounded time. With true the control plane has said all
    /// it knows, and the loop that asked gets the publication that holds it before any task that is
    /// given to it from now on; the asker decides again. With false nothing was said in time, so
    /// nobody knows what is there.
    ///
    /// @param key `<network>/<ip>`, `<namespace>/<hostname>` or a workload's uid
    CompletionStage<Boolean> lookUp(String key);
}
