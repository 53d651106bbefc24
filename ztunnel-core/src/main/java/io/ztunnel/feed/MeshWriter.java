package io.ztunnel.feed;

import io.ztunnel.mesh.AuthorizationPolicy;
import io.ztunnel.mesh.Changes;
import io.ztunnel.mesh.MeshDelta;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.Service;
import io.ztunnel.mesh.Workload;
import io.ztunnel.policy.CompiledPolicies;
import io.ztunnel.worker.MeshSubscriber;
import io.ztunnel.worker.Publication;
import io.ztunnel.xds.Rejection;
import io.ztunnel.xds.ResourceBatch;
import io.ztunnel.xds.ResourceSink;
import io.ztunnel.xds.ResourceUpdate;
import io.ztunnel.xds.proto.security.Authorization;
import io.ztunnel.xds.proto.workload.Address;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/// The one writer of the mesh: takes resources of either kind, batch by batch, and publishes a
/// snapshot with compiled policies after each batch.
///
/// A push that attaches a policy arrives in two responses, the workload first. If a workload of
/// this node begins to list a policy that is not known, the publication is held back for a moment,
/// so that the workload is not seen as unprotected in between; then it goes out as it is.
///
/// Confined to `zt-mesh`, the executor it is given; only [#subscribe] and [#edit] may be called
/// from elsewhere and hop there, and what was published may be read from anywhere.
public final class MeshWriter {
    private static final Logger LOG = LoggerFactory.getLogger(MeshWriter.class);

    private final String nodeName;
    private final ScheduledExecutorService owner;
    private final Duration policyGrace;
    private final List<MeshSubscriber> subscribers = new ArrayList<>();
    private MeshSnapshot head = MeshSnapshot.empty();
    private Changes unpublished = Changes.NONE;
    private volatile Publication published =
            new Publication(head, CompiledPolicies.none(), Changes.NONE);
    private volatile Set<String> unknownPolicies = Set.of();
    private @Nullable Future<?> held;
    private CompletableFuture<Void> heldPublication = CompletableFuture.completedFuture(null);

    /// @param nodeName this node; where it is empty every workload counts as local
    /// @param owner single-threaded; the same that drives the xDS client
    /// @param policyGrace how long a publication may be held back for a policy it refers to; zero
    ///     publishes at once, as the reference does
    public MeshWriter(String nodeName, ScheduledExecutorService owner, Duration policyGrace) {
        this.nodeName = nodeName;
        this.owner = owner;
        this.policyGrace = policyGrace;
    }

    /// Joins; everything known is handed over first.
    public void subscribe(MeshSubscriber subscriber) {
        owner.execute(
                () -> {
                    subscribers.add(subscriber);
                    MeshDelta everything = new MeshDelta(MeshSnapshot.empty(), nodeName);
                    subscriber.onMesh(
                            new Publication(
                                    published.mesh(),
                                    published.policies(),
                                    everythingOf(everything)));
                });
    }

    private Changes everythingOf(MeshDelta delta) {
        published.mesh().localWorkloads().forEach(delta::upsert);
        published.mesh().forEachPolicy(delta::upsert);
        return delta.changes();
    }

    /// Changes the mesh from another source than the control plane, as one batch.
    public void edit(Consumer<MeshDelta> change) {
        owner.execute(
                () -> {
                    MeshDelta delta = new MeshDelta(head, nodeName);
                    change.accept(delta);
                    applied(delta, true);
                });
    }

    /// What was published last. Any thread.
    public Publication published() {
        return published;
    }

    /// Keys that workloads of this node list and nobody has defined: a policy that does not
    /// protect. Sorted. Any thread.
    public Set<String> unknownPolicies() {
        return unknownPolicies;
    }

    /// Takes workloads and services, which share one space of names.
    public ResourceSink<Address> addresses() {
        return batch -> apply(batch, MeshWriter::change, MeshDelta::removeAddress, false);
    }

    /// Takes authorization policies under the names that the control plane gave them.
    public ResourceSink<Authorization> policies() {
        return batch ->
                apply(
                        batch,
                        (name, message) -> {
                            AuthorizationPolicy policy = PolicyTranslator.translate(message);
                            return delta -> delta.upsert(name, policy);
                        },
                        MeshDelta::removePolicy,
                        true);
    }

    /// Finds out what a message changes, without changing anything yet.
    private interface Translating<T> {
        Consumer<MeshDelta> changeOf(String name, T message) throws Untranslatable;
    }

    private interface Removing {
        void from(MeshDelta delta, String name);
    }

    private <T> List<Rejection> apply(
            ResourceBatch<T> batch,
            Translating<T> translating,
            Removing removing,
            boolean policies) {
        MeshDelta delta = new MeshDelta(head, nodeName);
        List<Rejection> rejections = new ArrayList<>();
        for (ResourceUpdate<T> update : batch) {
            switch (update) {
                case ResourceUpdate.Upsert<T>(var name, var _, var _, var message) -> {
                    Consumer<MeshDelta> change = null;
                    try {
                        change = translating.changeOf(name, message);
                    } catch (Untranslatable refused) {
                        rejections.add(new Rejection(name, refused.reason()));
                    } catch (RuntimeException bug) {
                        // One resource that trips over a fault of ours must not cost the others.
                        LOG.error("{} could not be translated", name, bug);
                        rejections.add(new Rejection(name, "internal error: " + bug));
                    }
                    if (change != null) {
                        change.accept(delta);
                    }
                }
                case ResourceUpdate.Removal<T>(var name) -> removing.from(delta, name);
            }
        }
        applied(delta, policies);
        return rejections;
    }

    private static Consumer<MeshDelta> change(String name, Address address) throws Untranslatable {
        return switch (address.getTypeCase()) {
            case WORKLOAD -> {
                Workload workload = WorkloadTranslator.translate(name, address.getWorkload());
                yield delta -> delta.upsert(workload);
            }
            case SERVICE -> {
                Service service = ServiceTranslator.translate(address.getService());
                yield delta -> delta.upsert(service);
            }
            case TYPE_NOT_SET -> throw new Untranslatable("type: neither a workload nor a service");
        };
    }

    private void applied(MeshDelta delta, boolean policies) {
        head = delta.apply();
        unpublished = unpublished.and(delta.changes());
        Set<String> before = unknownPolicies;
        unknownPolicies = unknownKeys(head);
        boolean nothingNew = held == null && before.containsAll(unknownPolicies);
        if (policies || nothingNew || policyGrace.isZero()) {
            publish();
        } else if (held == null) {
            heldPublication = new CompletableFuture<>();
            held = owner.schedule(this::publish, policyGrace.toNanos(), TimeUnit.NANOSECONDS);
        }
    }

    private void publish() {
        if (held != null) {
            held.cancel(false);
            held = null;
        }
        published =
                new Publication(head, published.policies().next(head, unpublished), unpublished);
        unpublished = Changes.NONE;
        for (MeshSubscriber subscriber : subscribers) {
            subscriber.onMesh(published);
        }
        heldPublication.complete(null);
    }

    /// Completes when all that has been taken so far is published: at once, unless it is held back.
    /// On `zt-mesh` only.
    public CompletableFuture<Void> whenPublished() {
        return heldPublication;
    }

    private static Set<String> unknownKeys(MeshSnapshot mesh) {
        Set<String> unknown = new TreeSet<>();
        for (Workload workload : mesh.localWorkloads()) {
            for (String key : workload.authorizationPolicies()) {
                if (mesh.policy(key) == null) {
                    unknown.add(key);
                }
            }
        }
        return unknown;
    }
}
