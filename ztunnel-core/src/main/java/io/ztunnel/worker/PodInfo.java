package io.ztunnel.worker;

import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.Workload;

import org.jspecify.annotations.Nullable;

/// Which pod a slice serves, in the words of the CNI node agent or of `PROXY_WORKLOAD_INFO`.
///
/// Namespace and service account of the pod's certificate come from here and never from the control
/// plane, which only adds the trust domain (docs/spec/identity-and-tls.md 1.2).
public record PodInfo(String name, String namespace, String serviceAccount) {

    public @Nullable Workload in(MeshSnapshot mesh) {
        return mesh.localWorkload(name, namespace, serviceAccount);
    }

    /// `<service account>.<namespace> (<name>)`, as error texts name it.
    @Override
    public String toString() {
        return serviceAccount + "." + namespace + " (" + name + ")";
    }
}
