package io.ztunnel.tls;

import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslHandler;
import io.ztunnel.identity.CertificateSource;
import io.ztunnel.identity.HeldCertificate;
import io.ztunnel.mesh.SpiffeId;

import org.jspecify.annotations.Nullable;

import java.security.cert.X509Certificate;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;

import javax.net.ssl.SSLException;

/// TLS handlers for the mesh's connections (docs/spec/identity-and-tls.md 5, 10.5).
///
/// One server and one client context per certificate, built at first use, shared by all workers,
/// and dropped when a newer certificate of the identity is used or the identity is forgotten.
/// Connections keep the context they were made with.
///
/// The handlers verify the peer inside the handshake. Put one into the pipeline and wait for the
/// [io.netty.handler.ssl.SslHandshakeCompletionEvent] behind it: success means a proven peer that
/// speaks `h2`, a failure's cause is a [TlsFailure]. (The handler's own `handshakeFuture()` knows
/// nothing of ALPN.) Everything runs inline on the channel's loop.
///
/// Safe on any thread.
public final class TlsContexts implements AutoCloseable {
    /// Sets of anchors that are remembered; more than two at a time only during root rotations.
    private static final int MAX_ROOT_SETS = 16;

    private final TlsSettings settings;
    private final Revocations revocations;
    private final InstantSource clock;
    private final Map<SpiffeId, CertificateContexts> contexts = new ConcurrentHashMap<>();

    /// Guarded by itself; newest last. Touched when a context is built, not per connection.
    private final List<TrustRoots> rootSets = new ArrayList<>();

    /// Without revocation.
    ///
    /// @throws IllegalStateException when BoringSSL cannot be loaded
    public TlsContexts(TlsSettings settings) {
        this(settings, Revocations.off(), InstantSource.system());
    }

    /// @param revocations asked in every handshake
    /// @param clock the wall clock that certificates' dates are compared with
    /// @throws IllegalStateException when BoringSSL cannot be loaded
    public TlsContexts(TlsSettings settings, Revocations revocations, InstantSource clock) {
        if (!OpenSsl.isAvailable()) {
            throw new IllegalStateException(
                    "BoringSSL cannot be loaded", OpenSsl.unavailabilityCause());
        }
        this.settings = settings;
        this.revocations = revocations;
        this.clock = clock;
    }

    /// For a connection that was accepted: the peer must chain to the roots of our certificate and
    /// have an identity of our trust domain.
    ///
    /// @throws SSLException when no context can be made of the certificate
    public SslHandler server(HeldCertificate certificate, ByteBufAllocator alloc)
            throws SSLException {
        return handler(certificate, PeerCheck.ofTrustDomain(certificate), true, alloc);
    }

    /// For a connection that was made: the peer must chain to the roots of our certificate and have
    /// one of the expected identities. An empty list accepts nobody.
    ///
    /// @throws SSLException when no context can be made of the certificate
    public SslHandler client(
            HeldCertificate certificate, List<SpiffeId> expected, ByteBufAllocator alloc)
            throws SSLException {
        return handler(
                certificate, PeerCheck.anyOf(certificate, List.copyOf(expected)), false, alloc);
    }

    private SslHandler handler(
            HeldCertificate certificate, PeerCheck check, boolean server, ByteBufAllocator alloc)
            throws SSLException {
        CertificateContexts held = contexts.get(certificate.identity());
        if (held == null || held.certificate() != certificate) {
            held = contexts.merge(certificate.identity(), build(certificate), TlsContexts::newer);
        }
        if (held.certificate() == certificate) {
            SslHandler handler = held.handler(server, check, alloc);
            if (handler != null) {
                return handler;
            }
        }
        // This certificate has just been superseded: it does for this connection, and its contexts
        // go with it.
        CertificateContexts once = build(certificate);
        try {
            return Objects.requireNonNull(once.handler(server, check, alloc));
        } finally {
            once.drop();
        }
    }

    /// Whether the certificates of a tunnel still carry it: asked after a change of the revocation
    /// lists and every now and then (docs/spec/identity-and-tls.md 5.8, 6.4). Call on the channel's
    /// loop.
    ///
    /// A tunnel leaves well before the certificate expires that is first to do so, ours or the
    /// peer's, and a client's also some minutes after ours was renewed; what is left is ended when
    /// [TlsSettings#expiryGrace] is over.
    ///
    /// @param tunnel with a handler of this object in its pipeline
    /// @param own where a renewal shows
    public Standing standing(Channel tunnel, CertificateSource own) {
        Credentials credentials = credentials(tunnel);
        if (credentials == null) {
            return Standing.FIRM;
        }
        Standing standing =
                credentials.standing(
                        revocations.current(),
                        clock.instant(),
                        settings.expiryGrace(),
                        !credentials.inbound() && renewed(credentials.own(), own));
        if (standing instanceof Standing.Ended ended && ended.cause().revoked()) {
            revocations.listener().onRejected(credentials.inbound());
        }
        return standing;
    }

    private static @Nullable Credentials credentials(Channel tunnel) {
        return tunnel.pipeline().get(SslHandler.class) instanceof MeshTlsHandler handler
                ? handler.check().credentials()
                : null;
    }

    private static boolean renewed(HeldCertificate used, CertificateSource source) {
        HeldCertificate current = source.current(used.identity());
        return current != null && current.generation() > used.generation();
    }

    /// Gives back what is held for a certificate that is no longer handed out.
    public void drop(HeldCertificate certificate) {
        CertificateContexts held = contexts.get(certificate.identity());
        if (held != null
                && held.certificate() == certificate
                && contexts.remove(certificate.identity(), held)) {
            held.drop();
        }
    }

    /// Identities with contexts in memory.
    public int size() {
        return contexts.size();
    }

    @Override
    public void close() {
        contexts.values()
                .removeIf(
                        held -> {
                            held.drop();
                            return true;
                        });
    }

    /// Called inside the map's own lock: the one that loses is dropped. A context that was never
    /// used holds nothing.
    private static CertificateContexts newer(
            CertificateContexts held, CertificateContexts candidate) {
        if (held.certificate().generation() >= candidate.certificate().generation()) {
            return held;
        }
        held.drop();
        return candidate;
    }

    private CertificateContexts build(HeldCertificate certificate) {
        return new CertificateContexts(
                certificate, settings, roots(certificate.roots()), revocations, clock);
    }

    private TrustRoots roots(List<X509Certificate> anchors) {
        synchronized (rootSets) {
            for (TrustRoots known : rootSets) {
                if (known.sameAs(anchors)) {
                    return known;
                }
            }
            TrustRoots fresh = new TrustRoots(anchors);
            rootSets.add(fresh);
            if (rootSets.size() > MAX_ROOT_SETS) {
                rootSets.removeFirst();
            }
            return fresh;
        }
    }
}
