package io.ztunnel.ca.testkit;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.handler.ssl.SslContextBuilder;
import io.ztunnel.ca.IssuedCertificate;
import io.ztunnel.ca.proto.IstioCertificateRequest;
import io.ztunnel.ca.proto.IstioCertificateResponse;
import io.ztunnel.ca.proto.IstioCertificateServiceGrpc;
import io.ztunnel.ca.testkit.NodeAuthorizer.Caller;
import io.ztunnel.ca.testkit.NodeAuthorizer.Refused;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/// The CA of istiod on a local port, with its checks, its answers and its errors, and with faults
/// on demand (docs/spec/identity-and-tls.md 4, 8.3). Knobs may be turned while it runs.
public final class LocalCa implements AutoCloseable {
    private static final Context.Key<Metadata> HEADERS = Context.key("headers");
    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private static final Metadata.Key<String> CLUSTER_ID =
            Metadata.Key.of("clusterid", Metadata.ASCII_STRING_MARSHALLER);

    /// One call as it arrived.
    public record Call(Metadata headers, IstioCertificateRequest request) {}

    private final Server server;
    private final String trustDomain;
    private final NodeAuthorizer authorizer;
    private final List<Call> calls = new CopyOnWriteArrayList<>();
    private final List<String> refusals = new CopyOnWriteArrayList<>();

    private volatile Issuance issuance;
    private volatile CaFault fault = CaFault.NONE;
    private volatile @Nullable Status refusal;
    private volatile @Nullable List<String> fixedAnswer;
    private volatile Duration latency = Duration.ZERO;

    private LocalCa(
            InetSocketAddress address,
            String trustDomain,
            IssuingCa signer,
            NodeAuthorizer authorizer,
            List<String> serverNames)
            throws IOException {
        this.trustDomain = trustDomain;
        this.authorizer = authorizer;
        this.issuance = new Issuance(signer, List.of());
        IssuedCertificate self = serverCertificate(signer, serverNames);
        List<X509Certificate> chain = new ArrayList<>(List.of(self.leaf()));
        chain.addAll(self.intermediates());
        this.server =
                NettyServerBuilder.forAddress(address)
                        .sslContext(
                                GrpcSslContexts.configure(
                                                SslContextBuilder.forServer(
                                                        self.key(),
                                                        chain.toArray(new X509Certificate[0])))
                                        .build())
                        .executor(Executors.newVirtualThreadPerTaskExecutor())
                        .intercept(new KeepHeaders())
                        .addService(new Signing())
                        .build()
                        .start();
    }

    /// Starts on a loopback port of the system's choice, with no tokens and no pods yet.
    public static LocalCa start(IssuingCa signer) throws IOException {
        return start(
                new InetSocketAddress("127.0.0.1", 0),
                "cluster.local",
                signer,
                new NodeAuthorizer("Kubernetes"),
                List.of("localhost", "127.0.0.1", "istiod.istio-system.svc"));
    }

    /// @param serverNames host names and addresses for the server's own certificate
    public static LocalCa start(
            InetSocketAddress address,
            String trustDomain,
            IssuingCa signer,
            NodeAuthorizer authorizer,
            List<String> serverNames)
            throws IOException {
        return new LocalCa(address, trustDomain, signer, authorizer, serverNames);
    }

    private static IssuedCertificate serverCertificate(IssuingCa signer, List<String> names) {
        LeafRequest request = LeafRequest.of();
        for (String name : names) {
            if (name.contains(":") || name.matches("[0-9.]+")) {
                request.ip(name);
            } else {
                request.dns(name);
            }
        }
        return signer.issue(request);
    }

    public int port() {
        return server.getPort();
    }

    /// `https://localhost:<port>`
    public URI address() {
        return URI.create("https://localhost:" + port());
    }

    public NodeAuthorizer authorizer() {
        return authorizer;
    }

    /// The root that its server certificate and its leaves chain to, as PEM.
    public String rootPem() {
        return IssuingCa.pem(issuance.signer().rootCertificate());
    }

    public List<Call> calls() {
        return List.copyOf(calls);
    }

    /// The reasons that istiod would have logged and not told, oldest first.
    public List<String> refusals() {
        return List.copyOf(refusals);
    }

    public void fault(CaFault now) {
        fault = now;
    }

    /// Refuses every call with this status; null stops it.
    public void refuse(@Nullable Status with) {
        refusal = with;
    }

    /// Answers every call with exactly this chain, unchecked; null stops it.
    public void answer(@Nullable List<String> chain) {
        fixedAnswer = chain;
    }

    public void latency(Duration perCall) {
        latency = perCall;
    }

    /// Signs with another CA from now on, handing out its root and the further ones. The server
    /// certificate stays.
    public void rotate(IssuingCa signer, X509Certificate... moreRoots) {
        issuance = new Issuance(signer, List.of(moreRoots));
    }

    /// Returns when the port is free again, or after five seconds.
    @Override
    public void close() {
        server.shutdownNow();
        try {
            server.awaitTermination(5, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private final class Signing
            extends IstioCertificateServiceGrpc.IstioCertificateServiceImplBase {
        @Override
        public void createCertificate(
                IstioCertificateRequest request, StreamObserver<IstioCertificateResponse> answer) {
            Metadata headers = HEADERS.get();
            calls.add(new Call(headers, request));
            LockSupport.parkNanos(latency.toNanos());
            if (fault == CaFault.SILENT) {
                return;
            }
            try {
                answer.onNext(
                        IstioCertificateResponse.newBuilder()
                                .addAllCertChain(chain(request, headers))
                                .build());
                answer.onCompleted();
            } catch (Refused e) {
                refusals.add(String.valueOf(e.getMessage()));
                answer.onError(
                        Status.UNAUTHENTICATED
                                .withDescription("request impersonation authentication failure")
                                .asException());
            } catch (Issuance.Failed e) {
                answer.onError(e.status().asException());
            }
        }

        private List<String> chain(IstioCertificateRequest request, Metadata headers)
                throws Refused, Issuance.Failed {
            Status refuse = refusal;
            if (refuse != null) {
                throw new Issuance.Failed(refuse);
            }
            List<String> fixed = fixedAnswer;
            if (fixed != null) {
                return fixed;
            }
            String clusterId = single(headers);
            Caller caller = caller(headers, clusterId);
            String impersonated =
                    request.getMetadata()
                            .getFieldsOrDefault(
                                    "ImpersonatedIdentity",
                                    com.google.protobuf.Value.getDefaultInstance())
                            .getStringValue();
            String identity = caller.spiffeId(trustDomain);
            if (!impersonated.isEmpty()) {
                authorizer.authorize(caller, clusterId, impersonated);
                identity = impersonated;
            }
            return issuance.sign(request, identity, fault);
        }

        private Caller caller(Metadata headers, @Nullable String clusterId) throws Issuance.Failed {
            try {
                return authorizer.authenticate(headers.get(AUTHORIZATION), clusterId);
            } catch (Refused e) {
                refusals.add(String.valueOf(e.getMessage()));
                throw new Issuance.Failed(
                        Status.UNAUTHENTICATED.withDescription("request authenticate failure"));
            }
        }

        /// More than one value counts as none.
        private @Nullable String single(Metadata headers) {
            Iterable<String> all = headers.getAll(CLUSTER_ID);
            String first = null;
            if (all != null) {
                for (String value : all) {
                    if (first != null) {
                        return null;
                    }
                    first = value;
                }
            }
            return first;
        }
    }

    private static final class KeepHeaders implements ServerInterceptor {
        @Override
        public <Q, A> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
            return Contexts.interceptCall(
                    Context.current().withValue(HEADERS, headers), call, headers, next);
        }
    }

    /// `java ... io.ztunnel.ca.testkit.LocalCa$Main`; see [LocalCaMain].
    public static final class Main {
        private Main() {}

        public static void main(String[] arguments) throws Exception {
            LocalCaMain.run(arguments);
        }
    }
}
