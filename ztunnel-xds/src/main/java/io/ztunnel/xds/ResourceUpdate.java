package io.ztunnel.xds;

import java.util.List;

/// One change that a response asks for.
public sealed interface ResourceUpdate<T> {
    /// The resource name; for a [Removal] possibly one that was never sent, which is normal.
    String name();

    /// This is how the resource looks now.
    ///
    /// @param aliases other names under which it was asked for (docs/spec/control-plane.md 2.11)
    /// @param version opaque, empty where the server keeps none
    record Upsert<T>(String name, List<String> aliases, String version, T resource)
            implements ResourceUpdate<T> {}

    /// The resource is gone, or was asked for and does not exist.
    record Removal<T>(String name) implements ResourceUpdate<T> {}
}
