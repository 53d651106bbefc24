package io.ztunnel.worker;

import java.util.concurrent.CompletionStage;

/// Asks the control plane for what the present snapshot does not hold (door). Where everything is
/// pushed anyway there is nothing to ask.
public interface Lookups {

    /// Completes, on any thread, when a newer publication holds the answer or when there is none to
    /// be had; the asker then decides again with what its loop has got.
    ///
    /// @param key `<network>/<ip>`, `<namespace>/<hostname>` or a workload's uid
    CompletionStage<Void> lookUp(String key);
}
