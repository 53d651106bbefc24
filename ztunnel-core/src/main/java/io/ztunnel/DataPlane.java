package io.ztunnel;

import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.FastThreadLocalThread;
import io.ztunnel.ca.IstioCertificateAuthority;
import io.ztunnel.config.ZtunnelConfig;
import io.ztunnel.feed.LocalFileContent;
import io.ztunnel.feed.LocalFileFeed;
import io.ztunnel.feed.LocalFileProblem;
import io.ztunnel.feed.MeshWriter;
import io.ztunnel.identity.CertificateBook;
import io.ztunnel.lifecycle.Drain;
import io.ztunnel.lifecycle.Hold;
import io.ztunnel.lifecycle.Readiness;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.mesh.Workload;
import io.ztunnel.net.Netns;
import io.ztunnel.observe.Logging;
import io.ztunnel.observe.Metrics;
import io.ztunnel.observe.Observer;
import io.ztunnel.outbound.SystemResolver;
import io.ztunnel.pod.PodProxy;
import io.ztunnel.pod.PodSettings;
import io.ztunnel.tls.TlsContexts;
import io.ztunnel.worker.PodInfo;
import io.ztunnel.worker.PodUid;
import io.ztunnel.worker.Publication;
import io.ztunnel.worker.Worker;
import io.ztunnel.worker.WorkerMailbox;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;

/// Everything that carries traffic, wired together: workers, mesh, certificates, pods.
///
/// Built and started on the main thread; see docs/THREADS.md for what runs where.
final class DataPlane implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DataPlane.class);

    /// How often the local file is looked at.
    private static final Duration FILE_INTERVAL = Duration.ofMillis(500);

    private static final PodUid DEDICATED = new PodUid("dedicated");

    private final ZtunnelConfig config;
    private final Readiness readiness;
    private final Drain drain;
    private final MultiThreadIoEventLoopGroup loops;
    private final List<WorkerMailbox> workers = new ArrayList<>();
    private final ScheduledExecutorService meshThread;
    private final MeshWriter mesh;
    private final CertificateBook certificates;
    private final TlsContexts tls;
    private final SystemResolver names;
    private final PodSettings podSettings;
    private LocalFileContent fromFile = LocalFileContent.NONE;

    DataPlane(
            ZtunnelConfig config,
            Metrics metrics,
            Logging logging,
            Readiness readiness,
            Drain drain) {
        this.config = config;
        this.readiness = readiness;
        this.drain = drain;
        PartSettings parts = new PartSettings(config);
        podSettings = parts.pods();
        AtomicInteger number = new AtomicInteger();
        ThreadFactory threads =
                task -> new FastThreadLocalThread(task, "zt-worker-" + number.getAndIncrement());
        loops =
                new MultiThreadIoEventLoopGroup(
                        config.workers().count(), threads,
                        EpollIoHandler.newFactory());
        int index = 0;
        for (EventExecutor loop : loops) {
            EventLoop own = (EventLoop) loop;
            Observer observer =
                    new Observer(metrics.newShard(), logging.accessLog(own), System::nanoTime);
            RandomGenerator dice = RandomGenerator.of("L64X128MixRandom");
            workers.add(new WorkerMailbox(new Worker(index++, own, observer, dice)));
        }
        meshThread =
                Executors.newSingleThreadScheduledExecutor(
                        Thread.ofPlatform().name("zt-mesh").daemon().factory());
        String node = config.node().name();
        mesh = new MeshWriter(node == null ? "" : node, meshThread, PartSettings.POLICY_GRACE);
        tls = new TlsContexts(parts.tls());
        certificates =
                new CertificateBook(
                        new IstioCertificateAuthority(parts.certificateAuthority()),
                        parts.book(),
                        tls::drop);
        names =
                new SystemResolver(
                        query ->
                                metrics.onDemandDns(
                                        query.client(), query.identity(), query.hostname()));
    }

    MeshWriter mesh() {
        return mesh;
    }

    CertificateBook certificates() {
        return certificates;
    }

    List<WorkerMailbox> workers() {
        return workers;
    }

    /// Loads what is known, then opens the pods.
    ///
    /// @throws IOException where the local file cannot be read or is malformed, or a listener
    /// cannot     be bound
    void start() throws IOException {
        try (Hold _ = readiness.hold(Readiness.STATE_MANAGER)) {
            workers.forEach(mesh::subscribe);
            mesh.subscribe(this::wantCertificates);
            loadLocal();
        }
        if (config.node().dedicatedPod() != null) {
            openDedicatedPod(config.node().dedicatedPod());
        }
    }

    private void loadLocal() throws IOException {
        try {
            switch (config.controlPlane().local()) {
                case null -> {}
                case ZtunnelConfig.LocalSource.Inline inline ->
                        take(LocalFileContent.parse("LOCAL_XDS", inline.yaml()));
                case ZtunnelConfig.LocalSource.File file -> {
                    LocalFileFeed feed =
                            new LocalFileFeed(file.path(), this::take, DataPlane::complain);
                    feed.load();
                    feed.watch(meshThread, FILE_INTERVAL);
                }
            }
            // What was handed in is published before anybody is told that we are ready.
            meshThread.submit(() -> {}).get();
        } catch (LocalFileProblem malformed) {
            throw new IOException(malformed.getMessage(), malformed);
        } catch (InterruptedException | ExecutionException unexpected) {
            throw new IOException("the mesh could not be loaded", unexpected);
        }
    }

    private void take(LocalFileContent content) {
        mesh.edit(
                delta -> {
                    content.replace(fromFile, delta);
                    fromFile = content;
                });
    }

    private static void complain(Exception problem) {
        LOG.error(
                "the local file is not taken, its last good version stays: {}",
                problem.getMessage());
    }

    private void openDedicatedPod(ZtunnelConfig.PodIdentity pod) throws IOException {
        PodInfo info = new PodInfo(pod.name(), pod.namespace(), pod.serviceAccount());
        PodProxy proxy =
                new PodProxy(
                        podSettings,
                        workers,
                        certificates,
                        tls,
                        names,
                        DEDICATED,
                        info,
                        Netns.own());
        try {
            proxy.start().join();
        } catch (CompletionException failure) {
            Throwable cause = failure.getCause() == null ? failure : failure.getCause();
            throw new IOException(cause.getMessage(), cause);
        }
        Hold traffic = drain.hold("traffic");
        drain.onStart(
                mode -> {
                    Duration within =
                            mode == Drain.Mode.GRACEFUL ? drain.deadline() : Duration.ZERO;
                    proxy.stop(within).whenComplete((done, failure) -> traffic.close());
                });
    }

    /// Certificates are fetched before a connection needs them.
    private void wantCertificates(Publication publication) {
        ZtunnelConfig.PodIdentity pod = config.node().dedicatedPod();
        if (pod == null) {
            return;
        }
        Workload local =
                new PodInfo(pod.name(), pod.namespace(), pod.serviceAccount())
                        .in(publication.mesh());
        if (local != null) {
            certificates.want(
                    List.of(
                            new SpiffeId(
                                    local.trustDomain(), pod.namespace(), pod.serviceAccount())));
        }
    }

    @Override
    public void close() {
        meshThread.shutdownNow();
        loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2000);
        certificates.close();
        tls.close();
    }
}
