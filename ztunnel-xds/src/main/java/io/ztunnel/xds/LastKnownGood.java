package io.ztunnel.xds;

import com.google.protobuf.CodedOutputStream;

import io.ztunnel.xds.proto.discovery.DeltaDiscoveryResponse;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/// Keeps what the control plane sent in a file, so that a node that restarts while there is no
/// control plane begins with what it knew. Holds no keys and no tokens: only resources.
///
/// The file's time says until when its content was confirmed. One that is too old, damaged, of
/// another version, or without one of the types is refused as a whole: workloads without their
/// policies would be worse than nothing.
///
/// Costs the bytes of what has changed since the last write, in memory; the rest is copied from
/// file to file. Confined to the owner thread of the client; the writing itself runs elsewhere.
public final class LastKnownGood {
    private static final Logger log = LoggerFactory.getLogger(LastKnownGood.class);

    /// @param directory must exist; the file in it is readable by its owner only
    /// @param maxAge an older file is refused
    /// @param writeAfter how long changes are gathered before they are written
    public record Settings(Path directory, Duration maxAge, Duration writeAfter) {}

    private final Settings settings;
    private final ScheduledExecutorService owner;
    private final Executor writer;
    private final InstantSource clock;
    private final Path file;
    private final Set<String> complete = new TreeSet<>();
    private Map<String, Map<String, byte @Nullable []>> changes = new HashMap<>();
    private @Nullable Instant confirmed;
    private boolean valid;
    private boolean due;

    /// @param owner the client's thread
    /// @param writer where files are written; may block
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

    /// What is kept of the given types, by type URL; empty where there is nothing to be trusted.
    Map<String, DeltaResponse> restore(Set<String> types) {
        try {
            if (!Files.exists(file)) {
                return Map.of();
            }
            Instant written = Files.getLastModifiedTime(file).toInstant();
            if (written.plus(settings.maxAge()).isBefore(clock.instant())) {
                throw new IOException("it was last confirmed at " + written);
            }
            Gathered gathered = new Gathered();
            SnapshotFile.read(file, gathered);
            if (!gathered.complete.containsAll(types)) {
                throw new IOException("it lacks a type");
            }
            Map<String, DeltaResponse> kept = new LinkedHashMap<>();
            for (String typeUrl : types) {
                kept.put(typeUrl, gathered.response(typeUrl));
            }
            complete.addAll(types);
            confirmed = written;
            valid = true;
            log.info("begins with the snapshot of {}", written);
            return kept;
        } catch (IOException refused) {
            log.warn("the kept snapshot {} is not used: {}", file, refused.toString());
            return Map.of();
        }
    }

    /// Takes note of what one response changed.
    ///
    /// @param changed by resource name; null where the resource is gone
    void keep(String typeUrl, Map<String, byte @Nullable []> changed) {
        boolean first = complete.add(typeUrl);
        changes.computeIfAbsent(typeUrl, _ -> new HashMap<>()).putAll(changed);
        if ((first || !changed.isEmpty()) && !due) {
            due = true;
            owner.schedule(this::write, settings.writeAfter().toNanos(), TimeUnit.NANOSECONDS);
        }
    }

    /// The control plane has just said something, hence what is kept is still true.
    void confirm() {
        Instant now = clock.instant();
        boolean stale = confirmed == null || confirmed.plus(settings.writeAfter()).isBefore(now);
        if (valid && stale && !due) {
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

    /// How long ago the file was last known to be true; null before there is one.
    @Nullable Duration age() {
        return confirmed == null ? null : Duration.between(confirmed, clock.instant());
    }

    private void write() {
        Map<String, Map<String, byte @Nullable []>> written = changes;
        Set<String> types = Set.copyOf(complete);
        Path old = valid ? file : null;
        Instant now = clock.instant();
        changes = new HashMap<>();
        writer.execute(
                () -> {
                    try {
                        SnapshotFile.write(file, old, written, types);
                        Files.setLastModifiedTime(file, FileTime.from(now));
                        owner.execute(() -> done(now));
                    } catch (IOException failure) {
                        log.error("the snapshot cannot be kept", failure);
                        owner.execute(() -> again(written));
                    }
                });
    }

    private void done(Instant at) {
        valid = true;
        confirmed = at;
        due = false;
        if (!changes.isEmpty()) {
            due = true;
            owner.schedule(this::write, settings.writeAfter().toNanos(), TimeUnit.NANOSECONDS);
        }
    }

    /// Puts what could not be written below what has come since, for the next attempt.
    private void again(Map<String, Map<String, byte @Nullable []>> unwritten) {
        changes.forEach(
                (typeUrl, newer) ->
                        unwritten.computeIfAbsent(typeUrl, _ -> new HashMap<>()).putAll(newer));
        changes = unwritten;
        owner.schedule(this::write, settings.writeAfter().toNanos(), TimeUnit.NANOSECONDS);
    }

    /// The content of a file as one response of each type.
    private static final class Gathered implements SnapshotFile.Visitor {
        private final Map<String, ByteArrayOutputStream> bodies = new HashMap<>();
        private final Set<String> complete = new TreeSet<>();

        @Override
        public void resource(String typeUrl, byte[] encoded) throws IOException {
            ByteArrayOutputStream body =
                    bodies.computeIfAbsent(typeUrl, _ -> new ByteArrayOutputStream());
            CodedOutputStream out = CodedOutputStream.newInstance(body, 16);
            out.writeByteArray(DeltaDiscoveryResponse.RESOURCES_FIELD_NUMBER, encoded);
            out.flush();
        }

        @Override
        public void complete(String typeUrl) {
            complete.add(typeUrl);
        }

        DeltaResponse response(String typeUrl) throws IOException {
            ByteArrayOutputStream body = bodies.remove(typeUrl);
            return DeltaResponse.over(
                    new ByteArrayInputStream(body == null ? new byte[0] : body.toByteArray()));
        }
    }
}
