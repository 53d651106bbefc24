package io.ztunnel.pod;

import io.ztunnel.identity.CertificateSource;
import io.ztunnel.net.Netns;
import io.ztunnel.outbound.NameResolver;
import io.ztunnel.tls.TlsContexts;
import io.ztunnel.worker.Lookups;
import io.ztunnel.worker.PodInfo;
import io.ztunnel.worker.PodUid;
import io.ztunnel.worker.SliceId;
import io.ztunnel.worker.WorkerMailbox;

import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/// The pods that this process serves. Starts and stops them; keeps who is there, because that
/// decides which certificates are wanted.
///
/// Any thread.
public final class NodePods implements PodHost {
    private final PodSettings settings;
    private final List<WorkerMailbox> workers;
    private final CertificateSource certificates;
    private final TlsContexts tls;
    private final NameResolver names;
    private final Lookups lookups;
    private final Runnable whenChanged;
    private final Map<SliceId, PodInfo> present = new ConcurrentHashMap<>();

    /// Those whose listeners are bound and not told to stop.
    private final Map<SliceId, PortCensus.Subject> listening = new ConcurrentHashMap<>();

    private final PortCensus census = new PortCensus();
    private volatile List<PortStranger> strangers = List.of();
    private final AtomicLong instances = new AtomicLong();

    /// @param whenChanged called after a pod has come or gone, on any thread
    public NodePods(
            PodSettings settings,
            List<WorkerMailbox> workers,
            CertificateSource certificates,
            TlsContexts tls,
            NameResolver names,
            Lookups lookups,
            Runnable whenChanged) {
        this.settings = settings;
        this.workers = List.copyOf(workers);
        this.certificates = certificates;
        this.tls = tls;
        this.names = names;
        this.lookups = lookups;
        this.whenChanged = whenChanged;
    }

    /// Who is served now, pods that are still ending included.
    public Collection<PodInfo> present() {
        return present.values();
    }

    /// Looks who else listens in the pods; one thread at a time, which may enter namespaces.
    public List<PortStranger> lookForStrangers() {
        strangers = census.look(List.copyOf(listening.values()));
        return strangers;
    }

    /// What the last look found.
    public List<PortStranger> strangers() {
        return strangers;
    }

    @Override
    public CompletableFuture<RunningPod> start(PodUid uid, PodInfo info, Netns netns) {
        return start(settings, uid, info, netns);
    }

    /// The listener for this proxy's own pod (docs/spec/dataplane.md 1.3).
    public CompletableFuture<RunningPod> startOurselves(PodInfo info) {
        return start(settings.ofOurselves(), new PodUid("ztunnel"), info, Netns.own());
    }

    private CompletableFuture<RunningPod> start(
            PodSettings how, PodUid uid, PodInfo info, Netns netns) {
        SliceId id = new SliceId(uid, instances.incrementAndGet());
        PodProxy proxy =
                new PodProxy(how, workers, certificates, tls, names, lookups, id, info, netns);
        present.put(id, info);
        List<Integer> ports = Arrays.stream(PodListeners.ports(how)).boxed().toList();
        CompletableFuture<RunningPod> running = run(proxy, id, info, netns, ports);
        // While the workers bind: whoever waits for the listeners need not wait for this.
        whenChanged.run();
        return running;
    }

    private CompletableFuture<RunningPod> run(
            PodProxy proxy, SliceId id, PodInfo info, Netns netns, List<Integer> ports) {
        return proxy.start()
                .<RunningPod>thenApply(
                        _ -> {
                            listening.put(
                                    id,
                                    new PortCensus.Subject(id, info, netns, workers.size(), ports));
                            return new RunningPod() {
                                @Override
                                public CompletableFuture<Void> stop(Duration within) {
                                    return ended(proxy.stop(within));
                                }

                                @Override
                                public CompletableFuture<Void> handOver(Duration within) {
                                    return ended(proxy.handOver(within));
                                }

                                private CompletableFuture<Void> ended(CompletableFuture<Void> end) {
                                    listening.remove(id);
                                    return end.whenComplete((_, _) -> gone(id, netns));
                                }
                            };
                        })
                .whenComplete(
                        (_, failure) -> {
                            if (failure != null) {
                                gone(id, netns);
                            }
                        });
    }

    private void gone(SliceId id, Netns netns) {
        netns.close();
        if (present.remove(id) != null) {
            whenChanged.run();
        }
    }
}
