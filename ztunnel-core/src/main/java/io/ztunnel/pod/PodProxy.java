package io.ztunnel.pod;

import io.ztunnel.identity.CertificateSource;
import io.ztunnel.net.ListenerSettings.PortSharing;
import io.ztunnel.net.Netns;
import io.ztunnel.net.Retirement;
import io.ztunnel.outbound.NameResolver;
import io.ztunnel.tls.TlsContexts;
import io.ztunnel.worker.Lookups;
import io.ztunnel.worker.PodInfo;
import io.ztunnel.worker.SliceId;
import io.ztunnel.worker.WorkerMailbox;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/// Everything one pod gets, on every worker. Any thread.
public final class PodProxy {
    private final PodSettings settings;
    private final List<WorkerMailbox> workers;
    private final CertificateSource certificates;
    private final TlsContexts tls;
    private final NameResolver names;
    private final Lookups lookups;
    private final SliceId id;
    private final PodInfo info;
    private final Netns netns;
    private volatile @Nullable Retirement retirement;

    public PodProxy(
            PodSettings settings,
            List<WorkerMailbox> workers,
            CertificateSource certificates,
            TlsContexts tls,
            NameResolver names,
            Lookups lookups,
            SliceId id,
            PodInfo info,
            Netns netns) {
        this.settings = settings;
        this.workers = List.copyOf(workers);
        this.certificates = certificates;
        this.tls = tls;
        this.names = names;
        this.lookups = lookups;
        this.id = id;
        this.info = info;
        this.netns = netns;
    }

    /// Opens the listeners on every worker; completes when all are bound. Where one fails, those
    /// that were opened are closed again and the failure says which address was refused.
    public CompletableFuture<Void> start() {
        CompletableFuture<Void> opened;
        if (settings.sharedPorts()) {
            opened = open(workers, PortSharing.SHARED);
        } else {
            // The first worker finds out whether the ports are free; then the others may join it.
            opened =
                    open(workers.getFirst(), PortSharing.FOUNDER)
                            .thenCompose(
                                    founded ->
                                            open(
                                                    workers.subList(1, workers.size()),
                                                    PortSharing.JOINING));
        }
        return opened.handle(
                        (done, failure) ->
                                failure == null
                                        ? opened
                                        : stop(Duration.ZERO).thenCompose(stopped -> opened))
                .thenCompose(result -> result);
    }

    /// [#stop] for a pod that another process may serve on. Reads tables of the kernel.
    public CompletableFuture<Void> handOver(Duration within) {
        if (!within.isZero() && retirement == null) {
            // Before any worker closes anything: a listener less must not look like a successor
            // less.
            retirement = Retirement.plan(netns, workers.size(), PodListeners.ports(settings));
        }
        return stop(within);
    }

    /// Ends the pod on every worker; completes when nothing of it is left.
    ///
    /// @param within how long live connections may go on; zero cuts them at once
    public CompletableFuture<Void> stop(Duration within) {
        if (!within.isZero() && retirement == null) {
            retirement = Retirement.alone(workers.size());
        }
        return CompletableFuture.allOf(
                workers.stream()
                        .map(worker -> worker.drainSlice(id, within))
                        .toArray(CompletableFuture[]::new));
    }

    private CompletableFuture<Void> open(List<WorkerMailbox> together, PortSharing sharing) {
        return CompletableFuture.allOf(
                together.stream()
                        .map(worker -> open(worker, sharing))
                        .toArray(CompletableFuture[]::new));
    }

    private CompletableFuture<Void> open(WorkerMailbox worker, PortSharing sharing) {
        return worker.openSlice(
                id,
                info,
                slice ->
                        new PodListeners(
                                        slice,
                                        settings,
                                        sharing,
                                        netns,
                                        () -> retirement,
                                        certificates,
                                        tls,
                                        names,
                                        lookups)
                                .open());
    }
}
