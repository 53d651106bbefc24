package io.ztunnel.xds;

import com.google.protobuf.CodedOutputStream;

import org.jspecify.annotations.Nullable;

import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/// The names of one type that are in force, each with the version that a reconnect claims.
final class Retained {
    private final Map<String, String> versions = new HashMap<>();
    private long claimBytes;

    void put(String name, String version) {
        @Nullable String previous = versions.put(name, version);
        claimBytes += claimSize(name, version);
        if (previous != null) {
            claimBytes -= claimSize(name, previous);
        }
    }

    void remove(String name) {
        @Nullable String version = versions.remove(name);
        if (version != null) {
            claimBytes -= claimSize(name, version);
        }
    }

    Map<String, String> versions() {
        return Collections.unmodifiableMap(versions);
    }

    Set<String> names() {
        return Collections.unmodifiableSet(versions.keySet());
    }

    /// How many bytes a request grows by if it claims everything here.
    long claimBytes() {
        return claimBytes;
    }

    /// One entry of `initial_resource_versions`, a map field with a one-byte tag.
    static long claimSize(String name, String version) {
        int entry =
                CodedOutputStream.computeStringSize(1, name)
                        + CodedOutputStream.computeStringSize(2, version);
        return 1L + CodedOutputStream.computeUInt32SizeNoTag(entry) + entry;
    }
}
