package io.ztunnel.bench.mesh;

import io.grpc.Server;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.ztunnel.ca.IssuedCertificate;
import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.ca.testkit.LeafRequest;
import io.ztunnel.xds.ResourceType;
import io.ztunnel.xds.proto.discovery.AggregatedDiscoveryServiceGrpc.AggregatedDiscoveryServiceImplBase;
import io.ztunnel.xds.proto.discovery.DeltaDiscoveryRequest;
import io.ztunnel.xds.proto.discovery.DeltaDiscoveryResponse;

import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;

/// The control plane as a process: `MeshSource <workloads> <services> <changes> <root file>`.
///
/// Says its port on standard output when it listens; ends when standard input does. Answers the
/// first request with everything, and each acknowledgement with one endpoint that changed: first
/// to warm up, then of ordinary services, then of the large one.
public final class MeshSource extends AggregatedDiscoveryServiceImplBase {
    private final MeshContent content;
    private final int changes;
    private final DeltaDiscoveryResponse all;

    private MeshSource(MeshContent content, int changes) {
        this.content = content;
        this.changes = changes;
        this.all = content.all();
    }

    public static void main(String[] args) throws Exception {
        MeshContent content = new MeshContent(Integer.parseInt(args[0]), Integer.parseInt(args[1]));
        IssuingCa authority = IssuingCa.root("CN=bench");
        IssuedCertificate leaf = authority.issue(LeafRequest.of().ip("127.0.0.1").serverOnly());
        Files.writeString(Path.of(args[3]), IssuingCa.pem(authority.certificate()));
        Server server =
                NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
                        .sslContext(
                                GrpcSslContexts.configure(
                                                SslContextBuilder.forServer(
                                                        leaf.key(), leaf.leaf()),
                                                SslProvider.JDK)
                                        .build())
                        .addService(new MeshSource(content, Integer.parseInt(args[2])))
                        .build()
                        .start();
        System.out.println(server.getPort());
        while (System.in.read() >= 0) {
            // Until whoever started this is gone.
        }
        server.shutdownNow();
    }

    @Override
    public StreamObserver<DeltaDiscoveryRequest> deltaAggregatedResources(
            StreamObserver<DeltaDiscoveryResponse> out) {
        return new StreamObserver<>() {
            private int sent;

            @Override
            public void onNext(DeltaDiscoveryRequest request) {
                boolean addresses = request.getTypeUrl().equals(ResourceType.ADDRESS.typeUrl());
                if (request.hasNode()) {
                    out.onNext(
                            addresses
                                    ? all
                                    : DeltaDiscoveryResponse.newBuilder()
                                            .setTypeUrl(request.getTypeUrl())
                                            .setNonce("none")
                                            .build());
                } else if (addresses && sent < 3 * changes) {
                    out.onNext(content.change(sent % changes, sent >= 2 * changes));
                    sent++;
                }
            }

            @Override
            public void onError(Throwable gone) {
                out.onCompleted();
            }

            @Override
            public void onCompleted() {
                out.onCompleted();
            }
        };
    }
}
