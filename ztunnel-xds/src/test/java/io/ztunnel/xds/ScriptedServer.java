package io.ztunnel.xds;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import io.ztunnel.xds.proto.discovery.AggregatedDiscoveryServiceGrpc;
import io.ztunnel.xds.proto.discovery.DeltaDiscoveryRequest;
import io.ztunnel.xds.proto.discovery.DeltaDiscoveryResponse;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/// A real gRPC server over TLS that does what the test says, on the loopback address unless told
/// otherwise.
public final class ScriptedServer implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Context.Key<Metadata> HEADERS = Context.key("headers");

    /// A certificate authority for one test.
    public static X509Bundle authority() {
        return built(new CertificateBuilder().subject("CN=root").setIsCertificateAuthority(true));
    }

    /// A certificate for a server of that name.
    public static X509Bundle serverCertificate(X509Bundle authority, String name) {
        try {
            CertificateBuilder leaf = new CertificateBuilder().subject("CN=server");
            if (Character.isDigit(name.charAt(0))) {
                leaf.addSanIpAddress(name);
            } else {
                leaf.addSanDnsName(name);
            }
            return leaf.buildIssuedBy(authority);
        } catch (Exception impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static X509Bundle built(CertificateBuilder builder) {
        try {
            return builder.buildSelfSigned();
        } catch (Exception impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private final Server server;
    private final BlockingQueue<ServerStream> streams = new LinkedBlockingQueue<>();

    public ScriptedServer(X509Bundle certificate, int port) {
        this(certificate, new InetSocketAddress("127.0.0.1", port));
    }

    public ScriptedServer(X509Bundle certificate, InetSocketAddress address) {
        try {
            server =
                    NettyServerBuilder.forAddress(address)
                            .sslContext(
                                    GrpcSslContexts.configure(
                                                    SslContextBuilder.forServer(
                                                            certificate.getKeyPair().getPrivate(),
                                                            certificate.getCertificatePath()),
                                                    SslProvider.JDK)
                                            .build())
                            .addService(discovery())
                            .intercept(new KeepingHeaders())
                            .maxInboundMessageSize(4 << 20)
                            .permitKeepAliveTime(1, TimeUnit.SECONDS)
                            .build()
                            .start();
        } catch (Exception impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    public int port() {
        return server.getPort();
    }

    public URI address() {
        return URI.create("https://127.0.0.1:" + port());
    }

    /// The next stream that a client opens.
    public ServerStream accept() {
        return await(streams, "a stream");
    }

    /// Whether a stream was opened that nobody accepted yet.
    public boolean hasStream() {
        return !streams.isEmpty();
    }

    /// Goes away without a word, as a process that is killed.
    @Override
    public void close() {
        server.shutdownNow();
        try {
            if (!server.awaitTermination(20, TimeUnit.SECONDS)) {
                throw new IllegalStateException("the server does not end");
            }
        } catch (InterruptedException stopped) {
            throw new IllegalStateException(stopped);
        }
    }

    private static <T> T await(BlockingQueue<T> queue, String what) {
        try {
            T next = queue.poll(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            if (next == null) {
                throw new AssertionError("no " + what + " within " + PATIENCE);
            }
            return next;
        } catch (InterruptedException stopped) {
            throw new IllegalStateException(stopped);
        }
    }

    /// One stream, seen from the server.
    public static final class ServerStream implements StreamObserver<DeltaDiscoveryRequest> {
        private final StreamObserver<InputStream> out;
        private final Metadata headers;
        private final BlockingQueue<DeltaDiscoveryRequest> requests = new LinkedBlockingQueue<>();
        private final List<DeltaDiscoveryRequest> setAside = new ArrayList<>();
        private final BlockingQueue<Throwable> ends = new LinkedBlockingQueue<>();

        private ServerStream(StreamObserver<InputStream> out) {
            this.out = out;
            this.headers = HEADERS.get();
        }

        public String header(String name) {
            return headers.get(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER));
        }

        /// The next request of any type.
        public DeltaDiscoveryRequest request() {
            return setAside.isEmpty() ? await(requests, "request") : setAside.removeFirst();
        }

        /// The next request of any type, or null where none comes in time or the stream is over.
        public DeltaDiscoveryRequest requestWithin(Duration time) {
            try {
                return setAside.isEmpty()
                        ? requests.poll(time.toMillis(), TimeUnit.MILLISECONDS)
                        : setAside.removeFirst();
            } catch (InterruptedException stopped) {
                throw new IllegalStateException(stopped);
            }
        }

        /// Whether the client has gone away.
        public boolean isOver() {
            return !ends.isEmpty();
        }

        /// The next request of a type; those of other types keep their place.
        public DeltaDiscoveryRequest request(String typeUrl) {
            for (DeltaDiscoveryRequest waiting : setAside) {
                if (waiting.getTypeUrl().equals(typeUrl)) {
                    setAside.remove(waiting);
                    return waiting;
                }
            }
            while (true) {
                DeltaDiscoveryRequest next = await(requests, "request of " + typeUrl);
                if (next.getTypeUrl().equals(typeUrl)) {
                    return next;
                }
                setAside.add(next);
            }
        }

        /// Everything that came and was not taken.
        public List<DeltaDiscoveryRequest> leftOver() {
            requests.drainTo(setAside);
            return List.copyOf(setAside);
        }

        public void respond(DeltaDiscoveryResponse response) {
            respond(new ByteArrayInputStream(response.toByteArray()));
        }

        /// Sends these bytes as one message, whatever they are.
        public void respond(InputStream bytes) {
            out.onNext(bytes);
        }

        public void fail(Status status) {
            out.onError(new StatusRuntimeException(status));
        }

        public void complete() {
            out.onCompleted();
        }

        /// Waits until the client has gone away.
        public void awaitEnd() {
            await(ends, "end of the stream");
        }

        @Override
        public void onNext(DeltaDiscoveryRequest request) {
            requests.add(request);
        }

        @Override
        public void onError(Throwable failure) {
            ends.add(failure);
        }

        @Override
        public void onCompleted() {
            ends.add(new IllegalStateException("completed"));
        }
    }

    /// The service, with responses as bytes, so that a script can also send what is no message.
    private ServerServiceDefinition discovery() {
        MethodDescriptor<DeltaDiscoveryRequest, DeltaDiscoveryResponse> generated =
                AggregatedDiscoveryServiceGrpc.getDeltaAggregatedResourcesMethod();
        MethodDescriptor<DeltaDiscoveryRequest, InputStream> method =
                generated.<DeltaDiscoveryRequest, InputStream>toBuilder(
                                generated.getRequestMarshaller(), new AsIs())
                        .build();
        return ServerServiceDefinition.builder(AggregatedDiscoveryServiceGrpc.SERVICE_NAME)
                .addMethod(
                        method,
                        ServerCalls.asyncBidiStreamingCall(
                                out -> {
                                    ServerStream stream = new ServerStream(out);
                                    streams.add(stream);
                                    return stream;
                                }))
                .build();
    }

    private static final class AsIs implements MethodDescriptor.Marshaller<InputStream> {
        @Override
        public InputStream stream(InputStream value) {
            return value;
        }

        @Override
        public InputStream parse(InputStream stream) {
            throw new UnsupportedOperationException();
        }
    }

    private static final class KeepingHeaders implements ServerInterceptor {
        @Override
        public <A, B> ServerCall.Listener<A> interceptCall(
                ServerCall<A, B> call, Metadata headers, ServerCallHandler<A, B> next) {
            return Contexts.interceptCall(
                    Context.current().withValue(HEADERS, headers), call, headers, next);
        }
    }
}
