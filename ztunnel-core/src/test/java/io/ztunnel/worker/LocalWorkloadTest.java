package io.ztunnel.worker;

import static io.ztunnel.testkit.MeshKit.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.embedded.EmbeddedChannel;
import io.ztunnel.mesh.Changes;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.Workload;
import io.ztunnel.observe.ObserverKit;
import io.ztunnel.policy.CompiledPolicies;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// docs/spec/dataplane.md 13.2, rows 55 to 57, with the loop's clock moved by hand.
class LocalWorkloadTest {
    private final EmbeddedChannel time = new EmbeddedChannel();
    private final Worker worker = TestWorker.on(time.eventLoop(), new ObserverKit().observer());
    private final List<Workload> told = new ArrayList<>();
    private LocalWorkload local;

    @BeforeEach
    void open() {
        time.freezeTime();
        PodInfo pod = new PodInfo("pod", "ns", "pod-sa");
        PodSlice slice = new PodSlice(worker, new SliceId(new PodUid("pod"), 1), pod);
        worker.add(slice);
        local = slice.local();
    }

    @AfterEach
    void close() {
        time.finishAndReleaseAll();
    }

    private void publish(MeshSnapshot mesh) {
        worker.onMesh(new Publication(mesh, CompiledPolicies.none(), Changes.NONE));
    }

    private void pass(long millis) {
        time.advanceTimeBy(millis, TimeUnit.MILLISECONDS);
        time.runScheduledPendingTasks();
    }

    private static MeshSnapshot of(String name) {
        return mesh().workload(name).at("10.0.0.1").snapshot();
    }

    @Test
    void row55_whoIsKnownIsNotWaitedFor() {
        publish(of("pod"));

        local.whenKnown(told::add);

        assertThat(told).singleElement().extracting(Workload::name).isEqualTo("pod");
    }

    @Test
    void row56_whoNeverArrivesIsNobodyAfterTheDeadline() {
        local.whenKnown(told::add);
        pass(4_999);
        assertThat(told).isEmpty();

        pass(1);

        assertThat(told).containsExactly((Workload) null);
        publish(of("pod"));
        assertThat(told).hasSize(1);
    }

    @Test
    void row57_theWrongOneIsPassedOverAndTheRightOneWithinTheDeadlineIsTaken() {
        local.whenKnown(told::add);
        publish(of("other"));
        pass(3_000);
        assertThat(told).isEmpty();

        publish(of("pod"));

        assertThat(told).singleElement().extracting(Workload::name).isEqualTo("pod");
        pass(60_000);
        assertThat(told).hasSize(1);
    }
}
