package io.ztunnel.worker;

import io.ztunnel.hbone.header.Baggage;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.mesh.Workload;
import io.ztunnel.observe.Party;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/// The pod of a slice as the mesh knows it. Looked up once for each publication, not for each
/// connection. Confined to the worker's loop.
public final class LocalWorkload {
    /// How long a connection waits for the control plane to tell of its pod
    /// (docs/spec/dataplane.md 9.4).
    static final int WAIT_SECONDS = 5;

    private final PodSlice slice;
    private final PodInfo info;
    private @Nullable Publication asOf;
    private @Nullable Workload workload;
    private String baggage = "";
    private Party party = Party.unknown();

    LocalWorkload(PodSlice slice, PodInfo info) {
        this.slice = slice;
        this.info = info;
    }

    public PodInfo info() {
        return info;
    }

    /// The workload, or null where the mesh does not know the pod.
    @SuppressWarnings("ReferenceEquality") // the same version, not an equal one
    public @Nullable Workload find() {
        Publication now = slice.worker().mesh();
        if (now != asOf) {
            asOf = now;
            Workload before = workload;
            workload = info.in(now.mesh());
            if (workload != null && !workload.equals(before)) {
                baggage = describe(workload);
                party = Party.of(workload);
            }
        }
        return workload;
    }

    /// What the pod's own side says of itself in requests and answers; the same for every
    /// connection.
    public String baggage() {
        return baggage;
    }

    /// How telemetry names the pod.
    public Party party() {
        return party;
    }

    /// Calls back at once where the pod is known, else when it becomes known, or with null after
    /// five seconds.
    public void whenKnown(Consumer<@Nullable Workload> then) {
        Workload known = find();
        if (known != null) {
            then.accept(known);
            return;
        }
        new Waiting(then);
    }

    private static String describe(Workload workload) {
        return new Baggage(
                        workload.clusterId(),
                        workload.namespace(),
                        workload.workloadType(),
                        workload.workloadName(),
                        workload.canonicalName(),
                        workload.canonicalRevision(),
                        workload.locality().region(),
                        workload.locality().zone())
                .write();
    }

    /// The identity of the pod: its own namespace and account, the trust domain of the mesh.
    public SpiffeId identity(Workload found) {
        return new SpiffeId(found.trustDomain(), info.namespace(), info.serviceAccount());
    }

    /// What an error says of a pod that never became known.
    public String unknownText() {
        return "failed to fetch information about local workload: " + info;
    }

    private final class Waiting implements Consumer<Publication> {
        private final Consumer<@Nullable Workload> then;
        private final Future<?> timeout;

        Waiting(Consumer<@Nullable Workload> then) {
            this.then = then;
            slice.onEachMesh(this);
            timeout =
                    slice.worker()
                            .loop()
                            .schedule(() -> finish(null), WAIT_SECONDS, TimeUnit.SECONDS);
        }

        @Override
        public void accept(Publication publication) {
            Workload known = find();
            if (known != null) {
                finish(known);
            }
        }

        private void finish(@Nullable Workload known) {
            slice.forget(this);
            timeout.cancel(false);
            then.accept(known);
        }
    }
}
