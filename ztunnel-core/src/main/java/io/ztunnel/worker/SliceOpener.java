package io.ztunnel.worker;

import java.util.concurrent.CompletableFuture;

/// Brings listeners and stages onto a loop without the worker knowing them.
public interface SliceOpener {

    /// Called on the worker's loop. The result fails where a listener could not be bound; what was
    /// added to the slice before is then closed by the caller.
    CompletableFuture<Void> open(PodSlice slice);
}
