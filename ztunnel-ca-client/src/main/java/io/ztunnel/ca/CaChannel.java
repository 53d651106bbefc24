package io.ztunnel.ca;

import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.ChannelOption;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.OpenSslContextOption;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;

import java.io.IOException;
import java.net.URI;
import java.util.concurrent.TimeUnit;

import javax.net.ssl.X509TrustManager;

/// One lazily opened gRPC channel to one address of the CA (docs/spec/identity-and-tls.md 2.4).
final class CaChannel {
    private static final int DEFAULT_PORT = 443;

    private CaChannel() {}

    static ManagedChannel open(
            CaSettings settings, URI address, X509TrustManager roots, CaTransport transport)
            throws IOException {
        String host = address.getHost();
        String bare = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
        int port = address.getPort() < 0 ? DEFAULT_PORT : address.getPort();
        var trust = new CaServerTrust(roots, bare, settings.alternativeHostname());
        NettyChannelBuilder builder =
                NettyChannelBuilder.forTarget("dns:///" + host + ":" + port)
                        .sslContext(tls(settings, trust))
                        .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, 5_000)
                        .withOption(ChannelOption.SO_KEEPALIVE, true)
                        .keepAliveTime(30, TimeUnit.SECONDS)
                        .keepAliveTimeout(10, TimeUnit.SECONDS)
                        .keepAliveWithoutCalls(false)
                        .disableRetry()
                        .directExecutor();
        transport.apply(builder);
        return builder.build();
    }

    private static SslContext tls(CaSettings settings, CaServerTrust trust) throws IOException {
        SslContextBuilder builder =
                SslContextBuilder.forClient()
                        .trustManager(trust)
                        .endpointIdentificationAlgorithm(null)
                        .applicationProtocolConfig(
                                new ApplicationProtocolConfig(
                                        Protocol.ALPN,
                                        SelectorFailureBehavior.NO_ADVERTISE,
                                        SelectedListenerFailureBehavior.ACCEPT,
                                        "h2"))
                        .protocols(
                                settings.tls12()
                                        ? new String[] {"TLSv1.3", "TLSv1.2"}
                                        : new String[] {"TLSv1.3"});
        if (OpenSsl.isAvailable()) {
            return builder.sslProvider(SslProvider.OPENSSL)
                    .option(OpenSslContextOption.GROUPS, settings.groups().toArray(new String[0]))
                    .build();
        }
        // The JDK ignores groups it does not know, without a word: a policy would be a pretence.
        if (settings.groups().contains("X25519MLKEM768")) {
            throw new IOException(
                    "the key-exchange policy needs BoringSSL", OpenSsl.unavailabilityCause());
        }
        return builder.sslProvider(SslProvider.JDK).build();
    }
}
