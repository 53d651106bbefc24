package io.ztunnel.bench.mesh;

import com.sun.management.ThreadMXBean;

import io.ztunnel.feed.MeshWriter;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.worker.Publication;
import io.ztunnel.xds.BearerToken;
import io.ztunnel.xds.Clockwork;
import io.ztunnel.xds.DeltaClient;
import io.ztunnel.xds.DeltaEvents;
import io.ztunnel.xds.DeltaResponse;
import io.ztunnel.xds.GrpcDeltaTransport;
import io.ztunnel.xds.LastKnownGood;
import io.ztunnel.xds.NodeDescription;
import io.ztunnel.xds.ResourceType;
import io.ztunnel.xds.StreamEnd;
import io.ztunnel.xds.Subscription;
import io.ztunnel.xds.TransportSettings;
import io.ztunnel.xds.TrustAnchors;
import io.ztunnel.xds.XdsSettings;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/// The listening half of a daemon as a process, and what it cost:
/// `MeshReader <port> <root file> <workloads> <changes> [directory]`. Prints a table of its
/// measurements. With a directory it keeps its state there, and on port 0 it begins with what was
/// kept and nobody to listen to.
///
/// The same classes on the same threads as in the daemon, from the socket to the published
/// snapshot; nothing else runs here, so that the heap is that of the mesh.
public final class MeshReader {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final int workloads;
    private final int changes;
    private final CountDownLatch loaded = new CountDownLatch(1);
    private final CountDownLatch changed = new CountDownLatch(1);

    // Of zt-mesh, read after the latches.
    private final long[] nanos;
    private final long[] bytes;
    private long firstByte;
    private long complete;
    private long published;
    private long loadedComplete;
    private long allocatedBefore;
    private long allocatedLoading;
    private int seen;

    private MeshReader(int workloads, int changes) {
        this.workloads = workloads;
        this.changes = changes;
        nanos = new long[3 * changes];
        bytes = new long[3 * changes];
    }

    public static void main(String[] args) {
        boolean alone = args[0].equals("0");
        int status = 1;
        try {
            new MeshReader(Integer.parseInt(args[2]), Integer.parseInt(args[3]))
                    .run(
                            URI.create("https://127.0.0.1:" + (alone ? "1" : args[0])),
                            Path.of(args[1]),
                            args.length > 4 ? Path.of(args[4]) : null,
                            alone);
            status = 0;
        } catch (IOException | InterruptedException | IllegalStateException failed) {
            System.err.println("bench: " + failed);
        }
        // The stream may still be trying; nothing else is left to do.
        System.exit(status);
    }

    private void run(URI source, Path root, @Nullable Path kept, boolean alone)
            throws IOException, InterruptedException {
        long idleResident = status("VmRSS");
        ScheduledExecutorService owner =
                Executors.newSingleThreadScheduledExecutor(
                        Thread.ofPlatform().name("zt-mesh").daemon().factory());
        MeshWriter mesh = new MeshWriter(MeshContent.NODE, owner, Duration.ofMillis(500));
        mesh.subscribe(this::onMesh);
        GrpcDeltaTransport transport =
                new GrpcDeltaTransport(
                        TransportSettings.to(
                                source,
                                new TrustAnchors.InFile(root),
                                BearerToken.none(),
                                Map.of()),
                        owner);
        long before = used();
        DeltaClient client =
                new DeltaClient(
                        XdsSettings.defaults(),
                        events -> transport.open(new Stamped(events)),
                        new NodeDescription(
                                "10.0.0.1",
                                "ztunnel",
                                "istio-system",
                                MeshContent.NODE,
                                Map.of(),
                                Map.of()),
                        List.of(
                                Subscription.toAll(ResourceType.ADDRESS, mesh.addresses()),
                                Subscription.toAll(ResourceType.AUTHORIZATION, mesh.policies())),
                        new Clockwork(owner, System::nanoTime, new Random()),
                        kept == null ? null : keeper(kept, owner));
        long start = System.nanoTime();
        client.start();
        if (!loaded.await(10, TimeUnit.MINUTES)) {
            throw new IllegalStateException("the mesh did not come: " + client.stats().join());
        }
        long peak = status("VmHWM");
        if (alone) {
            row("kept state to published", millis(published - start));
            row("resident at the peak of reading it", megabytes(peak));
            return;
        }
        if (!changed.await(10, TimeUnit.MINUTES)) {
            throw new IllegalStateException("the changes did not come: " + client.stats().join());
        }
        if (kept != null) {
            awaitWritten(kept.resolve("xds-snapshot"));
            row("resident at the peak, keeping the state", megabytes(status("VmHWM")));
            return;
        }
        long whole = used() - before;
        client.close();
        transport.close();
        owner.shutdown();
        owner.awaitTermination(10, TimeUnit.SECONDS);
        print(mesh.published().mesh(), idleResident, peak, whole);
    }

    private static LastKnownGood keeper(Path directory, ScheduledExecutorService owner) {
        return new LastKnownGood(
                new LastKnownGood.Settings(
                        directory,
                        Duration.ofHours(1),
                        Duration.ofSeconds(1),
                        Duration.ofSeconds(5)),
                owner,
                Executors.newSingleThreadExecutor(
                        Thread.ofPlatform().name("zt-keeper").daemon().factory()),
                InstantSource.system());
    }

    /// Waits until the file is there and did not change for longer than changes are gathered.
    private static void awaitWritten(Path file) throws IOException, InterruptedException {
        Duration quiet = Duration.ofSeconds(5);
        for (int seconds = 0; seconds < 120; seconds++) {
            Thread.sleep(Duration.ofSeconds(1));
            Instant settled = Instant.now().minus(quiet);
            if (Files.exists(file)
                    && Files.getLastModifiedTime(file).toInstant().isBefore(settled)) {
                row("kept state on disk", megabytes(Files.size(file)));
                return;
            }
        }
        throw new IllegalStateException("the state was not kept");
    }

    private void print(MeshSnapshot mesh, long idleResident, long peak, long whole)
            throws IOException {
        row("workloads, services", mesh.workloadCount() + ", " + mesh.serviceCount());
        row("first byte to published", millis(published - firstByte));
        row("  until the message is complete", millis(loadedComplete - firstByte));
        row("  from there to published", millis(published - loadedComplete));
        row("allocated while loading", megabytes(allocatedLoading));
        row("heap after loading, mesh and claims", megabytes(whole));
        row("  per workload", whole / mesh.workloadCount() + " B");
        row("resident before", megabytes(idleResident));
        row("resident at the peak of loading", megabytes(peak));
        row("resident at the end", megabytes(status("VmRSS")));
        change("one endpoint, ordinary service", changes);
        change("one endpoint, service of " + MeshContent.LARGE_SERVICE, 2 * changes);
    }

    private void change(String what, int from) {
        long[] times = Arrays.copyOfRange(nanos, from, from + changes);
        long[] sizes = Arrays.copyOfRange(bytes, from, from + changes);
        Arrays.sort(times);
        Arrays.sort(sizes);
        row(
                what + ", p50 / p99",
                "%.0f / %.0f us, %d / %d B allocated"
                        .formatted(
                                times[changes / 2] / 1e3,
                                times[changes * 99 / 100] / 1e3,
                                sizes[changes / 2],
                                sizes[changes * 99 / 100]));
    }

    private static void row(String what, String value) {
        System.out.printf("| %-45s | %s |%n", what, value);
    }

    private static String millis(long nanos) {
        return nanos / 1_000_000 + " ms";
    }

    private static String megabytes(long bytes) {
        return "%.1f MB".formatted(bytes / 1e6);
    }

    private void onMesh(Publication publication) {
        long now = System.nanoTime();
        if (loaded.getCount() > 0) {
            if (publication.mesh().workloadCount() == workloads) {
                published = now;
                loadedComplete = complete;
                allocatedLoading = THREADS.getCurrentThreadAllocatedBytes() - allocatedBefore;
                loaded.countDown();
            }
        } else if (seen < nanos.length) {
            bytes[seen] = THREADS.getCurrentThreadAllocatedBytes() - allocatedBefore;
            nanos[seen] = now - complete;
            seen++;
            if (seen == nanos.length) {
                changed.countDown();
            }
        }
    }

    /// Notes when the answer began and when a message was there.
    private final class Stamped implements DeltaEvents {
        private final DeltaEvents client;

        Stamped(DeltaEvents client) {
            this.client = client;
        }

        @Override
        public void onOpen() {
            firstByte = System.nanoTime();
            client.onOpen();
        }

        @Override
        public void onResponse(DeltaResponse response) {
            if (response.typeUrl().equals(ResourceType.ADDRESS.typeUrl())) {
                complete = System.nanoTime();
                allocatedBefore = THREADS.getCurrentThreadAllocatedBytes();
            }
            client.onResponse(response);
        }

        @Override
        public void onEnd(StreamEnd end) {
            client.onEnd(end);
        }
    }

    private static long used() {
        for (int i = 0; i < 4; i++) {
            System.gc();
        }
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }

    private static long status(String key) throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith(key + ":"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                .sum();
    }
}
