package io.ztunnel.bench.mesh;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;

import io.ztunnel.xds.ResourceType;
import io.ztunnel.xds.proto.discovery.DeltaDiscoveryResponse;
import io.ztunnel.xds.proto.discovery.Resource;
import io.ztunnel.xds.proto.workload.Address;
import io.ztunnel.xds.proto.workload.Locality;
import io.ztunnel.xds.proto.workload.NetworkAddress;
import io.ztunnel.xds.proto.workload.Port;
import io.ztunnel.xds.proto.workload.PortList;
import io.ztunnel.xds.proto.workload.Service;
import io.ztunnel.xds.proto.workload.TunnelProtocol;
import io.ztunnel.xds.proto.workload.Workload;
import io.ztunnel.xds.proto.workload.WorkloadStatus;

import java.nio.ByteBuffer;

/// A cluster with names of real lengths: every workload backs one service, the first
/// [#LARGE_SERVICE] of them a second one, too.
///
/// @param workloads at least [#LARGE_SERVICE]
record MeshContent(int workloads, int services) {
    /// Endpoints of the one large service.
    static final int LARGE_SERVICE = 10_000;

    /// The node that listens; a cluster has [#NODES] of them.
    static final String NODE = "ip-10-17-0-17.eu-west-1.compute.internal";

    private static final int NODES = 2_000;
    private static final String LARGE = "everywhere";

    /// Everything, as istiod answers the first request: one response.
    DeltaDiscoveryResponse all() {
        DeltaDiscoveryResponse.Builder all = response("all");
        for (int i = 0; i < workloads; i++) {
            all.addResources(workload(i, 0));
        }
        for (int i = 0; i < services; i++) {
            all.addResources(service(name(i), namespace(i), 0x0a60_0000 + i));
        }
        return all.addResources(service(LARGE, namespace(0), 0x0a5f_0000)).build();
    }

    int serviceCount() {
        return services + 1;
    }

    /// One endpoint that changes: its health is another one in each round.
    ///
    /// @param large whether it is one of the large service
    DeltaDiscoveryResponse change(int round, boolean large) {
        int at = large ? round * 7 % LARGE_SERVICE : LARGE_SERVICE + round * 7 % ordinary();
        return response("change").addResources(workload(at, round + 1)).build();
    }

    private int ordinary() {
        return Math.max(1, workloads - LARGE_SERVICE);
    }

    private static DeltaDiscoveryResponse.Builder response(String nonce) {
        return DeltaDiscoveryResponse.newBuilder()
                .setTypeUrl(ResourceType.ADDRESS.typeUrl())
                .setNonce(nonce);
    }

    private Resource workload(int i, int round) {
        int service = i % services;
        String name =
                name(service) + "-7d9f8b6c5d-" + Integer.toString(i + 60_000_000, 36).substring(1);
        String uid = "Kubernetes//Pod/" + namespace(service) + "/" + name;
        Workload.Builder workload =
                Workload.newBuilder()
                        .setUid(uid)
                        .setName(name)
                        .setNamespace(namespace(service))
                        .addAddresses(ip(0x0a80_0000 + i))
                        .setTunnelProtocol(TunnelProtocol.HBONE)
                        .setServiceAccount(name(service))
                        .setNode(i % NODES == 17 ? NODE : NODE.replace("17-0-17", node(i)))
                        .setCanonicalName(name(service))
                        .setCanonicalRevision("latest")
                        .setWorkloadName(name(service))
                        .setClusterId("Kubernetes")
                        .setStatus(
                                round % 2 == 0 ? WorkloadStatus.HEALTHY : WorkloadStatus.UNHEALTHY)
                        .setLocality(
                                Locality.newBuilder()
                                        .setRegion("eu-west-1")
                                        .setZone("eu-west-1" + (char) ('a' + i % 3)))
                        .putServices(key(name(service), namespace(service)), ports());
        if (i < LARGE_SERVICE) {
            workload.putServices(key(LARGE, namespace(0)), ports());
        }
        return resource(uid, round, Address.newBuilder().setWorkload(workload).build());
    }

    private static Resource service(String name, String namespace, int vip) {
        return resource(
                key(name, namespace),
                0,
                Address.newBuilder()
                        .setService(
                                Service.newBuilder()
                                        .setName(name)
                                        .setNamespace(namespace)
                                        .setHostname(hostname(name, namespace))
                                        .addAddresses(
                                                NetworkAddress.newBuilder().setAddress(ip(vip)))
                                        .addPorts(port()))
                        .build());
    }

    private static Resource resource(String name, int round, Message content) {
        return Resource.newBuilder()
                .setName(name)
                .setVersion("%016x".formatted(name.hashCode() * 31L + round))
                .setResource(
                        Any.newBuilder()
                                .setTypeUrl(ResourceType.ADDRESS.typeUrl())
                                .setValue(content.toByteString()))
                .build();
    }

    private static String node(int i) {
        return i % NODES / 250 + "-" + i % 4 + "-" + i % 250;
    }

    private static String name(int service) {
        return "checkout-" + service;
    }

    private static String namespace(int service) {
        return "team-" + service % 300;
    }

    private static String hostname(String name, String namespace) {
        return name + "." + namespace + ".svc.cluster.local";
    }

    private static String key(String name, String namespace) {
        return namespace + "/" + hostname(name, namespace);
    }

    private static PortList ports() {
        return PortList.newBuilder().addPorts(port()).build();
    }

    private static Port port() {
        return Port.newBuilder().setServicePort(80).setTargetPort(8080).build();
    }

    private static ByteString ip(int bits) {
        return ByteString.copyFrom(ByteBuffer.allocate(4).putInt(0, bits));
    }
}
