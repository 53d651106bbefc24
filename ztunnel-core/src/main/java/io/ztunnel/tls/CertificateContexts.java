package io.ztunnel.tls;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.OpenSslContextOption;
import io.netty.handler.ssl.ReferenceCountedOpenSslContext;
import io.netty.handler.ssl.ReferenceCountedOpenSslEngine;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import io.netty.internal.tcnative.SSL;
import io.ztunnel.identity.HeldCertificate;

import org.jspecify.annotations.Nullable;

import java.time.InstantSource;

import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;

/// The server's and the client's context for one certificate, shared by all its connections.
///
/// Native memory, counted by reference: connections keep theirs until they end, so the contexts can
/// be dropped while connections made with them go on.
final class CertificateContexts {
    private static final ApplicationProtocolConfig H2 =
            new ApplicationProtocolConfig(
                    Protocol.ALPN,
                    SelectorFailureBehavior.NO_ADVERTISE,
                    SelectedListenerFailureBehavior.ACCEPT,
                    "h2");

    private final HeldCertificate certificate;
    private final TlsSettings settings;
    private final PeerTrust trust;

    /// Guarded by this object, as is [#dropped]: a context must not go while an engine is made.
    private @Nullable ReferenceCountedOpenSslContext server;

    private @Nullable ReferenceCountedOpenSslContext client;
    private boolean dropped;

    CertificateContexts(
            HeldCertificate certificate,
            TlsSettings settings,
            TrustRoots roots,
            Revocations revocations,
            InstantSource clock) {
        this.certificate = certificate;
        this.settings = settings;
        this.trust = new PeerTrust(roots, revocations, clock);
    }

    HeldCertificate certificate() {
        return certificate;
    }

    /// A handler for one connection; null when these contexts have been dropped.
    synchronized @Nullable SslHandler handler(
            boolean asServer, PeerCheck check, ByteBufAllocator alloc) throws SSLException {
        if (dropped) {
            return null;
        }
        // Without a host name there is no SNI and no resumption on the client's side.
        SSLEngine engine = (asServer ? server() : client()).newEngine(alloc);
        // A resumed handshake does not ask the trust manager, so none may ever be resumed (10.3):
        // no tickets and no cache, set here and not left to a flag of the launcher.
        SSL.setOptions(((ReferenceCountedOpenSslEngine) engine).sslPointer(), SSL.SSL_OP_NO_TICKET);
        trust.expect(engine, check);
        return new MeshTlsHandler(engine, check, trust, settings, asServer);
    }

    private ReferenceCountedOpenSslContext server() throws SSLException {
        ReferenceCountedOpenSslContext context = server;
        if (context == null) {
            context =
                    build(
                            SslContextBuilder.forServer(OneKey.factory(certificate))
                                    .clientAuth(ClientAuth.REQUIRE));
            server = context;
        }
        return context;
    }

    private ReferenceCountedOpenSslContext client() throws SSLException {
        ReferenceCountedOpenSslContext context = client;
        if (context == null) {
            context =
                    build(
                            SslContextBuilder.forClient()
                                    .keyManager(OneKey.factory(certificate))
                                    .endpointIdentificationAlgorithm(null));
            client = context;
        }
        return context;
    }

    private ReferenceCountedOpenSslContext build(SslContextBuilder builder) throws SSLException {
        ReferenceCountedOpenSslContext context =
                (ReferenceCountedOpenSslContext)
                        builder.sslProvider(SslProvider.OPENSSL_REFCNT)
                                .protocols(settings.protocols())
                                .trustManager(trust)
                                .applicationProtocolConfig(H2)
                                .option(
                                        OpenSslContextOption.GROUPS,
                                        settings.keyExchange().groups().toArray(new String[0]))
                                .build();
        context.sessionContext().setSessionCacheEnabled(false);
        return context;
    }

    /// Gives the native memory back once the last connection has ended.
    synchronized void drop() {
        dropped = true;
        if (server != null) {
            server.release();
            server = null;
        }
        if (client != null) {
            client.release();
            client = null;
        }
    }

    /// Connections whose handshake is under way.
    int handshakes() {
        return trust.expecting();
    }
}
