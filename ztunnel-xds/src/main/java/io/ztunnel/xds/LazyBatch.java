package io.ztunnel.xds;

import com.google.protobuf.InvalidProtocolBufferException;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;

/// The changes of one response, decoded while the sink walks over them, and the notes that the
/// client needs afterwards.
final class LazyBatch<T> implements ResourceBatch<T> {
    /// What became of a name: enough to retain it once the sink has agreed.
    ///
    /// @param place where its bytes are kept, -1 unless somebody keeps them
    record Offered(String name, List<String> aliases, String version, int place) {}

    private final DeltaResponse response;
    private final ResourceType<T> type;
    private final Set<String> sweepable;
    private final @Nullable LastKnownGood keeper;
    private final RawResource raw = new RawResource();
    private final List<Offered> offered = new ArrayList<>();
    private final List<Rejection> undecodable = new ArrayList<>();
    private @Nullable Iterator<String> removals;
    private @Nullable ResourceUpdate<T> ahead;
    private boolean started;
    private long valueBytes;
    private List<String> swept = List.of();

    /// @param sweepable retained names that end with this batch unless it holds them; empty unless
    ///     the response is a complete picture
    /// @param keeper gets the bytes of each resource as it passes
    LazyBatch(
            DeltaResponse response,
            ResourceType<T> type,
            Set<String> sweepable,
            @Nullable LastKnownGood keeper) {
        this.keeper = keeper;
        this.response = response;
        this.type = type;
        this.sweepable = sweepable;
    }

    @Override
    public Iterator<ResourceUpdate<T>> iterator() {
        if (started) {
            throw new IllegalStateException("a batch can be walked once");
        }
        started = true;
        ahead = read();
        return new Walk();
    }

    @Override
    public int updateCount() {
        return response.resourceCount();
    }

    private final class Walk implements Iterator<ResourceUpdate<T>> {
        @Override
        public boolean hasNext() {
            return ahead != null;
        }

        @Override
        public ResourceUpdate<T> next() {
            ResourceUpdate<T> next = ahead;
            if (next == null) {
                throw new NoSuchElementException();
            }
            ahead = read();
            return next;
        }
    }

    private @Nullable ResourceUpdate<T> read() {
        if (removals == null) {
            ResourceUpdate<T> upsert = readUpsert();
            if (upsert != null) {
                return upsert;
            }
            removals = endings().iterator();
        }
        return removals.hasNext() ? new ResourceUpdate.Removal<>(removals.next()) : null;
    }

    private ResourceUpdate.@Nullable Upsert<T> readUpsert() {
        byte[] encoded;
        while ((encoded = nextResource()) != null) {
            try {
                raw.open(encoded);
                valueBytes += raw.valueLength();
                if (raw.filled()) {
                    T resource = raw.decode(type.parser());
                    offered.add(
                            new Offered(
                                    raw.name(),
                                    raw.aliases(),
                                    raw.version(),
                                    keeper == null ? -1 : keeper.offer(encoded)));
                    return new ResourceUpdate.Upsert<>(
                            raw.name(), raw.aliases(), raw.version(), resource);
                }
                undecodable.add(new Rejection(raw.name(), "the resource is empty"));
            } catch (InvalidProtocolBufferException malformed) {
                undecodable.add(
                        new Rejection(raw.name(), "cannot be decoded: " + malformed.getMessage()));
            } catch (IOException impossible) {
                throw new UncheckedIOException(impossible);
            }
        }
        return null;
    }

    private byte @Nullable [] nextResource() {
        try {
            return response.nextResource();
        } catch (IOException broken) {
            throw new UncheckedIOException(broken);
        }
    }

    private List<String> endings() {
        // A resource without a readable name may be any of those that would be swept.
        boolean nameless = undecodable.stream().anyMatch(rejection -> rejection.name().isEmpty());
        if (sweepable.isEmpty() || nameless) {
            return response.removedNames();
        }
        Set<String> present = new HashSet<>();
        offered.forEach(resource -> present.add(resource.name()));
        // A resource that is there but unusable keeps its previous content, as without a sweep.
        undecodable.forEach(rejection -> present.add(rejection.name()));
        swept = sweepable.stream().filter(name -> !present.contains(name)).toList();
        List<String> all = new ArrayList<>(response.removedNames());
        all.addAll(swept);
        return all;
    }

    /// Whether the sink has walked to the end, without which nothing below is complete.
    boolean walked() {
        return started && ahead == null;
    }

    /// The decodable resources in listed order.
    List<Offered> offered() {
        return offered;
    }

    List<Rejection> undecodable() {
        return undecodable;
    }

    /// Names that the complete picture no longer holds.
    List<String> swept() {
        return swept;
    }

    /// Sum of the sizes of all contents, in bytes.
    long valueBytes() {
        return valueBytes;
    }
}
