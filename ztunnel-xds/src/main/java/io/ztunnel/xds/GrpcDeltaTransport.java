package io.ztunnel.xds;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.ProtoUtils;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioChannelOption;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.ztunnel.xds.proto.discovery.DeltaDiscoveryRequest;

import jdk.net.ExtendedSocketOptions;

import java.io.IOException;
import java.io.InputStream;
import java.security.GeneralSecurityException;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

import javax.net.ssl.X509ExtendedTrustManager;

/// The aggregated discovery service over gRPC: one new TCP and TLS connection for each stream, so
/// that a new root, a new token and a new address of the control plane take effect at once.
///
/// Owns one thread, `zt-xds`, which moves bytes and nothing else.
public final class GrpcDeltaTransport implements DeltaTransport, AutoCloseable {
    private static final List<String> TLS13 =
            List.of("TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256");
    private static final List<String> TLS12_TOO =
            List.of(
                    "TLS_AES_256_GCM_SHA384",
                    "TLS_AES_128_GCM_SHA256",
                    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
                    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");

    private static final MethodDescriptor<DeltaDiscoveryRequest, InputStream> METHOD =
            MethodDescriptor.newBuilder(
                            ProtoUtils.marshaller(DeltaDiscoveryRequest.getDefaultInstance()),
                            new Unread())
                    .setType(MethodType.BIDI_STREAMING)
                    .setFullMethodName(
                            "envoy.service.discovery.v3.AggregatedDiscoveryService/"
                                    + "DeltaAggregatedResources")
                    .build();

    private final TransportSettings settings;
    private final Executor owner;
    private final EventLoopGroup loop =
            new MultiThreadIoEventLoopGroup(
                    1,
                    Thread.ofPlatform().daemon().name("zt-xds").factory(),
                    NioIoHandler.newFactory());

    /// @param owner the executor of the client that will use this transport
    public GrpcDeltaTransport(TransportSettings settings, Executor owner) {
        this.settings = settings;
        this.owner = owner;
    }

    @Override
    public DeltaStream open(DeltaEvents events) {
        Metadata headers;
        ManagedChannel channel;
        try {
            headers = headers();
            channel = channel();
        } catch (IOException | GeneralSecurityException | RuntimeException unusable) {
            owner.execute(() -> events.onEnd(StreamEnd.neverStarted(unusable.toString())));
            return new DeadStream();
        }
        // gRPC delivers through this executor in order, hence events arrive on the owner thread.
        ClientCall<DeltaDiscoveryRequest, InputStream> call =
                channel.newCall(METHOD, CallOptions.DEFAULT.withExecutor(owner));
        GrpcDeltaStream stream = new GrpcDeltaStream(channel, call, events);
        stream.start(headers);
        return stream;
    }

    /// Ends the transport's thread. Streams must be cancelled before.
    @Override
    public void close() {
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    private Metadata headers() throws IOException {
        Metadata headers = new Metadata();
        settings.headers()
                .forEach(
                        (name, value) ->
                                headers.put(
                                        Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER),
                                        value));
        String token = settings.token().read();
        if (!token.isEmpty()) {
            headers.put(
                    Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER),
                    "Bearer " + token);
        }
        return headers;
    }

    private ManagedChannel channel() throws IOException, GeneralSecurityException {
        return NettyChannelBuilder.forAddress(settings.address().getHost(), settings.port())
                .eventLoopGroup(loop)
                .channelType(NioSocketChannel.class)
                .sslContext(tls())
                .withOption(
                        ChannelOption.CONNECT_TIMEOUT_MILLIS,
                        Math.toIntExact(settings.connectTimeout().toMillis()))
                .withOption(ChannelOption.SO_KEEPALIVE, true)
                .withOption(NioChannelOption.of(ExtendedSocketOptions.TCP_KEEPIDLE), 300)
                .withOption(NioChannelOption.of(ExtendedSocketOptions.TCP_KEEPINTERVAL), 75)
                .withOption(NioChannelOption.of(ExtendedSocketOptions.TCP_KEEPCOUNT), 9)
                .keepAliveTime(settings.pingEvery().toNanos(), TimeUnit.NANOSECONDS)
                .keepAliveTimeout(settings.pingTimeout().toNanos(), TimeUnit.NANOSECONDS)
                .maxInboundMessageSize(settings.largestMessageBytes())
                .disableRetry()
                .disableServiceConfigLookUp()
                .build();
    }

    private SslContext tls() throws IOException, GeneralSecurityException {
        X509ExtendedTrustManager trust = settings.trust().trustManager();
        String second = settings.secondName();
        // Java's own TLS: one connection, no speed to win, and no native memory held for it.
        return GrpcSslContexts.configure(SslContextBuilder.forClient(), SslProvider.JDK)
                .trustManager(second == null ? trust : new SecondName(trust, second))
                .protocols(
                        settings.allowTls12() ? List.of("TLSv1.3", "TLSv1.2") : List.of("TLSv1.3"))
                .ciphers(settings.allowTls12() ? TLS12_TOO : TLS13)
                .build();
    }

    /// Leaves a response where it is: [DeltaResponse] reads it while it is being applied.
    private static final class Unread implements MethodDescriptor.Marshaller<InputStream> {
        @Override
        public InputStream stream(InputStream value) {
            return value;
        }

        @Override
        public InputStream parse(InputStream stream) {
            return stream;
        }
    }

    private static final class DeadStream implements DeltaStream {
        @Override
        public void send(DeltaDiscoveryRequest request) {}

        @Override
        public void cancel(String reason) {}
    }
}
