package io.ztunnel;

import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.FastThreadLocalThread;
import io.netty.util.internal.PlatformDependent;
import io.ztunnel.ca.IstioCertificateAuthority;
import io.ztunnel.config.ZtunnelConfig;
import io.ztunnel.feed.MeshWriter;
import io.ztunnel.identity.CertificateBook;
import io.ztunnel.inpod.InpodSettings;
import io.ztunnel.inpod.PodReport;
import io.ztunnel.inpod.ZdsConversation;
import io.ztunnel.lifecycle.Drain;
import io.ztunnel.lifecycle.Hold;
import io.ztunnel.lifecycle.Readiness;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.net.Netns;
import io.ztunnel.net.Privileges;
import io.ztunnel.net.SteadyEpoll;
import io.ztunnel.observe.Logging;
import io.ztunnel.observe.MeshFacts;
import io.ztunnel.observe.Metrics;
import io.ztunnel.observe.NodeAgentFacts;
import io.ztunnel.observe.Observer;
import io.ztunnel.observe.Reporter;
import io.ztunnel.outbound.SystemResolver;
import io.ztunnel.pod.NodePods;
import io.ztunnel.pod.PodHost.RunningPod;
import io.ztunnel.pod.PortStranger;
import io.ztunnel.tls.RevocationFile;
import io.ztunnel.tls.Revocations;
import io.ztunnel.tls.TlsContexts;
import io.ztunnel.worker.Lookups;
import io.ztunnel.worker.PodInfo;
import io.ztunnel.worker.PodUid;
import io.ztunnel.worker.Worker;
import io.ztunnel.worker.WorkerBudget;
import io.ztunnel.worker.WorkerMailbox;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
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
    private static final PodUid DEDICATED = new PodUid("dedicated");

    private static final String WORKER = "zt-worker-";

    /// How late a tunnel may learn that a certificate has expired or was renewed.
    private static final Duration TUNNEL_INSPECTION = Duration.ofSeconds(10);

    private final ZtunnelConfig config;
    private final PartSettings parts;
    private final Metrics metrics;
    private final Readiness readiness;
    private final Drain drain;
    private final MultiThreadIoEventLoopGroup loops;
    private final List<WorkerMailbox> workers = new ArrayList<>();
    private final ScheduledExecutorService meshThread;
    private final MeshWriter mesh;
    private final CertificateBook certificates;
    private final TlsContexts tls;
    private final NodePods pods;
    private final WantedCertificates wanted;
    private final Revocations revocations;
    private @Nullable RevocationWatch revocationWatch;
    private volatile @Nullable ControlPlane controlPlane;
    private volatile @Nullable ZdsConversation agent;
    private @Nullable SelfWatch watch;

    DataPlane(
            ZtunnelConfig config,
            Metrics metrics,
            Logging logging,
            Readiness readiness,
            Drain drain) {
        this.config = config;
        this.parts = new PartSettings(config);
        this.metrics = metrics;
        this.readiness = readiness;
        this.drain = drain;
        AtomicInteger number = new AtomicInteger();
        ThreadFactory threads =
                task -> new FastThreadLocalThread(task, WORKER + number.getAndIncrement());
        loops =
                new MultiThreadIoEventLoopGroup(
                        config.workers().count(), threads, SteadyEpoll.newFactory());
        WorkerBudget.Limits part =
                parts.budget(Privileges.raiseOpenFileLimit(), PlatformDependent.maxDirectMemory())
                        .dividedBy(config.workers().count());
        int index = 0;
        for (EventExecutor loop : loops) {
            EventLoop own = (EventLoop) loop;
            Observer observer =
                    new Observer(metrics.newShard(), logging.accessLog(own), System::nanoTime);
            RandomGenerator dice = RandomGenerator.of("L64X128MixRandom");
            workers.add(
                    new WorkerMailbox(
                            new Worker(
                                    index++,
                                    own,
                                    observer,
                                    dice,
                                    new WorkerBudget(part),
                                    parts.idle())));
        }
        meshThread =
                Executors.newSingleThreadScheduledExecutor(
                        Thread.ofPlatform().name("zt-mesh").daemon().factory());
        String node = config.node().name();
        mesh = new MeshWriter(node == null ? "" : node, meshThread, config.policies().hold());
        revocations = new Revocations(inbound -> metrics.revoked(reporter(inbound)));
        tls = new TlsContexts(parts.tls(), revocations, InstantSource.system());
        certificates =
                new CertificateBook(
                        new IstioCertificateAuthority(parts.certificateAuthority()),
                        parts.book(),
                        tls::drop);
        SystemResolver names =
                new SystemResolver(
                        query ->
                                metrics.onDemandDns(
                                        query.client(), query.identity(), query.hostname()));
        wanted = new WantedCertificates(certificates, mesh, node);
        pods =
                new NodePods(
                        parts.pods(),
                        workers,
                        certificates,
                        tls,
                        names,
                        this::lookUp,
                        () -> wanted.update());
        wanted.of(pods);
    }

    MeshWriter mesh() {
        return mesh;
    }

    /// What the stream to the control plane said of itself last; null where there is none.
    ControlPlane.@Nullable Reading controlPlane() {
        ControlPlane plane = controlPlane;
        return plane == null ? null : plane.newest();
    }

    CertificateBook certificates() {
        return certificates;
    }

    List<WorkerMailbox> workers() {
        return workers;
    }

    /// The node's pods, none in dedicated mode.
    @Nullable PodReport podReport() {
        ZdsConversation talk = agent;
        return talk == null ? null : talk.report();
    }

    /// How it stands with the node agent; null in dedicated mode and before the first conversation.
    @Nullable NodeAgentFacts agentFacts() {
        ZdsConversation talk = agent;
        return talk == null ? null : talk.facts();
    }

    /// Who else listens on our ports in pods.
    List<PortStranger> portStrangers() {
        return pods.strangers();
    }

    /// Loads what is known, waits for the control plane, then opens the pods. Returns early where a
    /// drain starts meanwhile.
    ///
    /// @throws IOException where the local file cannot be read or is malformed, a listener cannot
    ///     be bound, or a privilege is missing
    void start() throws IOException {
        boolean shared = config.mode() == ZtunnelConfig.Mode.SHARED;
        if (shared) {
            Privileges.check(parts.pods().sockets().mark());
        }
        Hold agentPending = shared ? readiness.hold(Readiness.WORKLOAD_PROXY_MANAGER) : null;
        Hold meshPending = readiness.hold(Readiness.STATE_MANAGER);
        watch =
                SelfWatch.start(
                        readiness, metrics, pods, workerLoops(), config.bounds().stuckAfter());
        workers.forEach(mesh::subscribe);
        mesh.subscribe(_ -> wanted.update());
        watchTunnels();
        mesh.subscribe(publication -> metrics.mesh(facts(publication.mesh())));
        new LocalMesh(mesh, meshThread).load(config.controlPlane().local());
        if (!synced()) {
            return;
        }
        meshPending.close();
        if (config.node().dedicatedPod() != null) {
            openDedicated(info(config.node().dedicatedPod()));
        } else {
            if (config.node().self() != null) {
                await(pods.startOurselves(info(config.node().self())), "own");
            }
            ZdsConversation talk =
                    ZdsConversation.start(
                            InpodSettings.at(
                                    config.sockets().inpodSocket(), config.bounds().podStopGrace()),
                            pods,
                            readiness,
                            drain);
            agent = talk;
            new PodMetrics(talk, metrics).every(meshThread, Duration.ofSeconds(1));
        }
        if (agentPending != null) {
            agentPending.close();
        }
    }

    private Map<String, Executor> workerLoops() {
        Map<String, Executor> named = new LinkedHashMap<>();
        int number = 0;
        for (EventExecutor loop : loops) {
            named.put(WORKER + number++, loop);
        }
        return named;
    }

    private static Reporter reporter(boolean inbound) {
        return inbound ? Reporter.DESTINATION : Reporter.SOURCE;
    }

    /// Before the first handshake.
    private void watchTunnels() {
        Path lists = config.authority().revocationList();
        if (lists != null) {
            revocationWatch =
                    RevocationWatch.start(
                            new RevocationFile(lists, revocations),
                            revocations,
                            certificates::held,
                            metrics,
                            () -> workers.forEach(WorkerMailbox::inspectTunnels));
        }
        workers.forEach(worker -> worker.inspectTunnelsEvery(TUNNEL_INSPECTION));
    }

    /// Whether the control plane has answered; false where a drain came first.
    private boolean synced() {
        URI address = config.controlPlane().address();
        if (address == null) {
            return true;
        }
        ControlPlane plane = new ControlPlane(address, parts, mesh, meshThread, metrics);
        controlPlane = plane;
        plane.start();
        CompletableFuture<Void> ended = new CompletableFuture<>();
        try (Drain.Registration _ = drain.onStart(_ -> ended.complete(null))) {
            CompletableFuture.anyOf(plane.synced(), ended).join();
        }
        return !ended.isDone();
    }

    /// Pods are opened after the control plane has been reached, so it is there for them.
    private CompletionStage<Boolean> lookUp(String key) {
        return (controlPlane == null ? Lookups.NONE : controlPlane.lookups()).lookUp(key);
    }

    private void openDedicated(PodInfo info) throws IOException {
        await(pods.start(DEDICATED, info, Netns.own()), "traffic");
    }

    private void await(CompletableFuture<RunningPod> starting, String what) throws IOException {
        RunningPod pod;
        try {
            pod = starting.join();
        } catch (CompletionException failure) {
            Throwable cause = failure.getCause() == null ? failure : failure.getCause();
            throw new IOException(cause.getMessage(), cause);
        }
        Hold held = drain.hold(what);
        drain.onStart(
                mode -> {
                    Duration within =
                            mode == Drain.Mode.GRACEFUL ? drain.deadline() : Duration.ZERO;
                    pod.handOver(within).whenComplete((_, _) -> held.close());
                });
    }

    private MeshFacts facts(MeshSnapshot now) {
        return new MeshFacts(
                now.workloadCount(),
                now.serviceCount(),
                now.policyCount(),
                mesh.unknownPolicies().size());
    }

    private static PodInfo info(ZtunnelConfig.PodIdentity pod) {
        return new PodInfo(pod.name(), pod.namespace(), pod.serviceAccount());
    }

    @Override
    public void close() {
        ControlPlane plane = controlPlane;
        if (plane != null) {
            plane.close();
        }
        if (revocationWatch != null) {
            revocationWatch.close();
        }
        if (watch != null) {
            watch.close();
        }
        meshThread.shutdownNow();
        loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2000);
        certificates.close();
        tls.close();
    }
}
