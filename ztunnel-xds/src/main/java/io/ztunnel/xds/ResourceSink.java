package io.ztunnel.xds;

import java.util.List;

/// Takes over the resources of one type (door).
public interface ResourceSink<T> {

    /// Applies one response as a whole: readers see all of it or nothing.
    ///
    /// Called on the client's owner thread. When it returns, the accepted changes must be visible
    /// to those who look things up, because waiting lookups continue right after it.
    ///
    /// @return what was refused, resource by resource; the rest is in force
    List<Rejection> apply(ResourceBatch<T> batch);
}
