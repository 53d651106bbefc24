package io.ztunnel.tls;

import io.ztunnel.tls.PathValidation.Usage;
import io.ztunnel.tls.PeerRejected.Reason;

import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/// Decides inside the handshake whether the peer is accepted. After it would be too late: with TLS
/// 1.3 our own certificate is on its way as soon as the peer's was accepted.
///
/// The library hands over the engine and nothing else, so what each connection expects is looked up
/// by it. Entries come and go with their connection; the map is touched twice per connection.
final class PeerTrust extends X509ExtendedTrustManager {
    private final TrustRoots roots;
    private final InstantSource clock;
    private final Revocations revocations;
    private final Map<SSLEngine, PeerCheck> checks = new ConcurrentHashMap<>();

    PeerTrust(TrustRoots roots, Revocations revocations, InstantSource clock) {
        this.roots = roots;
        this.revocations = revocations;
        this.clock = clock;
    }

    void expect(SSLEngine engine, PeerCheck check) {
        checks.put(engine, check);
    }

    void forget(SSLEngine engine) {
        checks.remove(engine);
    }

    /// Connections whose handshake is under way.
    int expecting() {
        return checks.size();
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
            throws CertificateException {
        check(chain, Usage.CLIENT, engine);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
            throws CertificateException {
        check(chain, Usage.SERVER, engine);
    }

    private void check(X509Certificate[] chain, Usage usage, SSLEngine engine)
            throws CertificateException {
        PeerCheck check = checks.get(engine);
        if (check == null) {
            throw new CertificateException("nobody expects this peer");
        }
        try {
            if (chain.length == 0) {
                throw new PeerRejected(Reason.MALFORMED, "no certificate presented");
            }
            Instant now = clock.instant();
            RevocationLists lists = revocations.current();
            check.accept(roots.verify(chain, usage, now, lists), usage, lists, now);
        } catch (PeerRejected e) {
            check.reject(e);
            if (e.reason() == Reason.REVOKED) {
                revocations.listener().onRejected(usage == Usage.CLIENT);
            }
            throw e.forAlert();
        }
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType)
            throws CertificateException {
        throw new CertificateException("a peer is checked for a connection only");
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType)
            throws CertificateException {
        throw new CertificateException("a peer is checked for a connection only");
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
            throws CertificateException {
        checkClientTrusted(chain, authType);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
            throws CertificateException {
        checkServerTrusted(chain, authType);
    }

    /// The hints in a server's request for a certificate.
    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return roots.anchors().toArray(new X509Certificate[0]);
    }
}
