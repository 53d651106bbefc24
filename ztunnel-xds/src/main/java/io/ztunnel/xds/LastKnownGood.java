package io.ztunnel.xds;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/// Keeps what the control plane sent in a file, so that a node that restarts while there is no
/// control plane begins with what it knew (docs/spec/control-plane.md 2.17). Holds no keys and no
/// tokens: only resources.
///
/// The file's time says until when its content was confirmed. One that is too old, damaged, of
/// another version, or without one of the types is refused as a whole: workloads without their
/// policies would be worse than nothing.
///
/// Costs the compressed bytes of what has changed since the last write, in memory; the rest is
/// copied from file to file. Confined to the owner thread of the client; the writing itself runs
/// elsewhere.
public final class LastKnownGood {
    private static final Logger log = LoggerFactory.getLogger(LastKnownGood.class);

    /// @param directory must exist; the file in it is readable by its owner only
    /// @param maxAge an older file is refused
    /// @param writeAfter how long changes are gathered before they are written
    /// @param serveAfter how long the control plane may take to answer before what was kept is
    ///     served; a failing stream ends that time early
    public record Settings(
            Path directory, Duration maxAge, Duration writeAfter, Duration serveAfter) {}

    /// So often a write may fail in a row before this gives up: what waits must not fill the heap.
    private static final int MOST_FAILURES = 100;

    private final Settings settings;
    private final ScheduledExecutorService owner;
    private final Executor writer;
    private final InstantSource clock;
    private final Path file;
    private final Set<String> complete = new TreeSet<>();
    private final List<KeptChanges> unwritten = new ArrayList<>();
    private KeptChanges changes = new KeptChanges();
    private @Nullable Instant confirmed;
    private String refusal = "";
    private boolean restored;
    private boolean valid;
    private boolean due;
    private int failures;

    /// @param owner the client's thread
    /// @param writer where files are written; may block, one task at a time
    public LastKnownGood(
            Settings settings,
            ScheduledExecutorService owner,
            Executor writer,
            InstantSource clock) {
        this.settings = settings;
        this.owner = owner;
        this.writer = writer;
        this.clock = clock;
        this.file = settings.directory().resolve("xds-snapshot");
    }

    Duration serveAfter() {
        return settings.serveAfter();
    }

    /// What is kept of the given types, by type URL; empty where there is nothing to be trusted.
    /// The responses read the file while they are applied, one resource at a time.
    Map<String, DeltaResponse> restore(Set<String> types) {
        try {
            if (!Files.exists(file)) {
                log.info("there is no kept snapshot {} yet", file);
                return Map.of();
            }
            Instant written = Files.getLastModifiedTime(file).toInstant();
            requireYoung(written);
            // Once to the end before anything is believed, then once more for each type.
            Census census = new Census();
            SnapshotFile.read(file, census);
            for (String typeUrl : types) {
                if (!census.complete.contains(typeUrl)) {
                    throw new IOException("it lacks " + typeUrl);
                }
            }
            Map<String, DeltaResponse> kept = new LinkedHashMap<>();
            for (String typeUrl : types) {
                kept.put(
                        typeUrl,
                        DeltaResponse.of(
                                typeUrl,
                                census.counts.getOrDefault(typeUrl, 0),
                                new OneType(file, typeUrl)));
            }
            complete.addAll(types);
            confirmed = written;
            valid = true;
            restored = true;
            log.info("begins with the snapshot {} of {}", file, written);
            return kept;
        } catch (IOException refused) {
            refusal = refused.getMessage() == null ? refused.toString() : refused.getMessage();
            log.warn("the kept snapshot {} is not used: {}", file, refusal);
            return Map.of();
        }
    }

    private void requireYoung(Instant written) throws IOException {
        Instant now = clock.instant();
        if (written.plus(settings.maxAge()).isBefore(now)) {
            throw new IOException(
                    "it was last confirmed at %s, %d s ago, and is believed for %d s"
                            .formatted(
                                    written,
                                    Duration.between(written, now).toSeconds(),
                                    settings.maxAge().toSeconds()));
        }
    }

    /// Takes the bytes of a resource before it is known whether they come into force.
    int offer(byte[] encoded) {
        return changes.offer(encoded);
    }

    /// Takes note of what one response changed.
    ///
    /// @param changed by resource name the place that [#offer] gave; null where the resource is
    ///     gone
    void keep(String typeUrl, Map<String, @Nullable Integer> changed) {
        if (failures > MOST_FAILURES) {
            changes.close();
            changes = new KeptChanges();
            return;
        }
        boolean first = complete.add(typeUrl);
        changed.forEach(
                (name, place) -> {
                    if (place == null) {
                        changes.remove(typeUrl, name);
                    } else {
                        changes.put(typeUrl, name, place);
                    }
                });
        if ((first || !changed.isEmpty()) && !due) {
            scheduleWrite();
        }
    }

    private void scheduleWrite() {
        due = true;
        owner.schedule(this::write, settings.writeAfter().toNanos(), TimeUnit.NANOSECONDS);
    }

    /// The control plane has just said something, hence what is kept is still true.
    void confirm() {
        Instant now = clock.instant();
        boolean stale = confirmed == null || confirmed.plus(settings.writeAfter()).isBefore(now);
        if (valid && stale && !due && failures == 0) {
            confirmed = now;
            writer.execute(() -> touch(now));
        }
    }

    private void touch(Instant now) {
        try {
            Files.setLastModifiedTime(file, FileTime.from(now));
        } catch (IOException failure) {
            log.warn("the kept snapshot cannot be confirmed", failure);
        }
    }

    XdsStats.Kept stats() {
        return new XdsStats.Kept(
                confirmed == null ? null : Duration.between(confirmed, clock.instant()),
                restored,
                refusal);
    }

    private void write() {
        changes.close();
        if (!changes.isEmpty()) {
            unwritten.add(changes);
        }
        changes = new KeptChanges();
        List<KeptChanges> written = List.copyOf(unwritten);
        Set<String> types = Set.copyOf(complete);
        Path old = valid ? file : null;
        Instant now = clock.instant();
        writer.execute(
                () -> {
                    try {
                        SnapshotFile.write(file, old, written, types);
                        Files.setLastModifiedTime(file, FileTime.from(now));
                        owner.execute(() -> done(now));
                    } catch (IOException failure) {
                        log.error("the snapshot cannot be kept", failure);
                        owner.execute(this::failed);
                    }
                });
    }

    /// What could not be written waits below what has come since.
    private void failed() {
        if (++failures <= MOST_FAILURES) {
            scheduleWrite();
        } else {
            log.error("the snapshot {} is given up until the next start", file);
            unwritten.clear();
        }
    }

    private void done(Instant at) {
        failures = 0;
        unwritten.clear();
        valid = true;
        confirmed = at;
        due = false;
        if (!changes.isEmpty()) {
            scheduleWrite();
        }
    }

    /// What a file holds, and how much of it.
    private static final class Census implements SnapshotFile.Visitor {
        private final Map<String, Integer> counts = new HashMap<>();
        private final Set<String> complete = new TreeSet<>();

        @Override
        public void resource(String typeUrl, byte[] encoded) {
            counts.merge(typeUrl, 1, Integer::sum);
        }

        @Override
        public void complete(String typeUrl) {
            complete.add(typeUrl);
        }
    }

    /// The resources of one type, straight from the file. Opened with the first of them, so that a
    /// response that nobody reads holds no descriptor.
    private static final class OneType implements DeltaResponse.Resources, SnapshotFile.Visitor {
        private final Path file;
        private final String wanted;
        private SnapshotFile.@Nullable Reader reader;
        private byte @Nullable [] found;

        OneType(Path file, String wanted) {
            this.file = file;
            this.wanted = wanted;
        }

        @Override
        public byte @Nullable [] next() throws IOException {
            if (reader == null) {
                reader = new SnapshotFile.Reader(file);
            }
            found = null;
            while (found == null && reader.next(this)) {
                // Until one is of the type.
            }
            if (found == null) {
                reader.close();
            }
            return found;
        }

        @Override
        public void resource(String typeUrl, byte[] encoded) {
            found = typeUrl.equals(wanted) ? encoded : null;
        }

        @Override
        public void complete(String typeUrl) {}
    }
}
