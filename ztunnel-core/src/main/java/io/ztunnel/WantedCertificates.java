package io.ztunnel;

import io.ztunnel.feed.MeshWriter;
import io.ztunnel.identity.CertificateBook;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.Protocol;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.mesh.Workload;
import io.ztunnel.pod.NodePods;
import io.ztunnel.worker.PodInfo;

import org.jspecify.annotations.Nullable;

import java.util.HashSet;
import java.util.Set;

/// Tells the book whose certificates this node needs: those of the pods it serves, and those of
/// captured workloads that the control plane places here and whose pod is still on its way
/// (docs/spec/identity-and-tls.md 3.7). The whole set each time, so nothing can get lost.
///
/// Any thread.
final class WantedCertificates {
    private final CertificateBook book;
    private final MeshWriter mesh;
    private final @Nullable String node;
    private volatile @Nullable NodePods pods;
    private Set<SpiffeId> told = Set.of();

    WantedCertificates(CertificateBook book, MeshWriter mesh, @Nullable String node) {
        this.book = book;
        this.mesh = mesh;
        this.node = node;
    }

    void of(NodePods present) {
        pods = present;
    }

    synchronized void update() {
        MeshSnapshot now = mesh.published().mesh();
        Set<SpiffeId> wanted = new HashSet<>();
        NodePods present = pods;
        if (present != null) {
            for (PodInfo pod : present.present()) {
                Workload workload = pod.in(now);
                if (workload != null) {
                    wanted.add(
                            new SpiffeId(
                                    workload.trustDomain(), pod.namespace(), pod.serviceAccount()));
                }
            }
        }
        if (node != null) {
            for (Workload local : now.localWorkloads()) {
                if (local.protocol() == Protocol.HBONE || local.nativeTunnel()) {
                    wanted.add(local.identity());
                }
            }
        }
        if (!wanted.equals(told)) {
            told = wanted;
            book.want(wanted);
        }
    }
}
