package io.ztunnel.xds;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/// Keeps what it is given, except for what it is told to refuse.
public final class RecordingSink<T> implements ResourceSink<T> {
    private final Map<String, T> state = new LinkedHashMap<>();
    private final List<List<ResourceUpdate<T>>> batches = new ArrayList<>();

    /// Answers null for "take it", else the reason not to.
    public BiFunction<String, T, String> verdict = (name, resource) -> null;

    public RuntimeException fault;

    @Override
    public List<Rejection> apply(ResourceBatch<T> batch) {
        List<Rejection> rejections = new ArrayList<>();
        List<ResourceUpdate<T>> seen = new ArrayList<>();
        for (ResourceUpdate<T> update : batch) {
            seen.add(update);
            switch (update) {
                case ResourceUpdate.Upsert<T>(var name, var aliases, var version, var resource) -> {
                    String reason = verdict.apply(name, resource);
                    if (reason == null) {
                        state.put(name, resource);
                    } else {
                        rejections.add(new Rejection(name, reason));
                    }
                }
                case ResourceUpdate.Removal<T>(var name) -> state.remove(name);
            }
        }
        if (fault != null) {
            throw fault;
        }
        batches.add(seen);
        return rejections;
    }

    public Map<String, T> state() {
        return state;
    }

    public List<List<ResourceUpdate<T>>> batches() {
        return batches;
    }
}
