package io.ztunnel.xds;

import java.util.Iterator;

/// All changes of one response, to be made visible together (docs/spec/control-plane.md 4.5): the
/// updates in listed order, then the removals.
///
/// Each resource is decoded when the iterator reaches it and not kept, so that a snapshot of any
/// size needs no more memory than the state made of it. A resource that cannot be decoded is left
/// out and reported by the client. Valid only during [ResourceSink#apply], to be walked exactly
/// once and to the end.
public interface ResourceBatch<T> extends Iterable<ResourceUpdate<T>> {

    /// Starts the walk.
    ///
    /// @throws IllegalStateException the second time
    @Override
    Iterator<ResourceUpdate<T>> iterator();

    /// How many updates the response holds, decodable or not: a hint for sizing.
    int updateCount();
}
