package io.ztunnel.ca;

import java.math.BigInteger;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;

import javax.security.auth.DestroyFailedException;

/// One certificate as the CA issued it, with the key that only this process has. Immutable.
///
/// The key lives in memory only and is in no text that this class makes.
public final class IssuedCertificate {
    private final PrivateKey key;
    private final X509Certificate leaf;
    private final List<X509Certificate> intermediates;
    private final List<X509Certificate> roots;

    public IssuedCertificate(
            PrivateKey key,
            X509Certificate leaf,
            List<X509Certificate> intermediates,
            List<X509Certificate> roots) {
        this.key = key;
        this.leaf = leaf;
        this.intermediates = List.copyOf(intermediates);
        this.roots = List.copyOf(roots);
    }

    public PrivateKey key() {
        return key;
    }

    public X509Certificate leaf() {
        return leaf;
    }

    /// What is presented after the leaf, in the order of the CA. Without the trust anchors.
    public List<X509Certificate> intermediates() {
        return intermediates;
    }

    /// The trust anchors for peers, as delivered with this certificate.
    public List<X509Certificate> roots() {
        return roots;
    }

    /// Whole seconds; istiod dates it two minutes back.
    public Instant notBefore() {
        return leaf.getNotBefore().toInstant();
    }

    /// Whole seconds.
    public Instant notAfter() {
        return leaf.getNotAfter().toInstant();
    }

    public BigInteger serial() {
        return leaf.getSerialNumber();
    }

    /// Overwrites the key where its provider can. The JDK's own EC keys cannot: for those, dropping
    /// the last reference is all there is.
    public void wipeKey() {
        try {
            key.destroy();
        } catch (DestroyFailedException notSupported) {
            // Nothing left to do; see above.
        }
    }

    @Override
    public String toString() {
        return "certificate "
                + serial().toString(16)
                + " valid "
                + notBefore()
                + " to "
                + notAfter();
    }
}
