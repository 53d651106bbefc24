package io.ztunnel.identity;

import io.ztunnel.ca.IssuedCertificate;
import io.ztunnel.mesh.SpiffeId;

import java.math.BigInteger;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;

/// A certificate this node can use for one of its identities. Immutable; safe on any thread.
///
/// Compared by object: two are the same only if they are the same issue.
public final class HeldCertificate {
    private final SpiffeId identity;
    private final IssuedCertificate issued;
    private final long generation;

    /// Kept, since the certificate makes new objects at every question.
    private final Instant notBefore;

    private final Instant notAfter;

    /// @param generation grows with every certificate of the process; the newer one has the larger
    public HeldCertificate(SpiffeId identity, IssuedCertificate issued, long generation) {
        this.identity = identity;
        this.issued = issued;
        this.generation = generation;
        this.notBefore = issued.notBefore();
        this.notAfter = issued.notAfter();
    }

    public SpiffeId identity() {
        return identity;
    }

    public long generation() {
        return generation;
    }

    /// Never in a log, a dump or an exception's text.
    public PrivateKey key() {
        return issued.key();
    }

    public X509Certificate leaf() {
        return issued.leaf();
    }

    /// What is presented after the leaf. Without trust anchors.
    public List<X509Certificate> intermediates() {
        return issued.intermediates();
    }

    /// What peers of this identity must chain to.
    public List<X509Certificate> roots() {
        return issued.roots();
    }

    public Instant notBefore() {
        return notBefore;
    }

    public Instant notAfter() {
        return notAfter;
    }

    public BigInteger serial() {
        return issued.serial();
    }

    /// From its expiry on, peers refuse it.
    public boolean expired(Instant now) {
        return !now.isBefore(notAfter);
    }

    /// Overwrites the key where its provider can.
    void wipeKey() {
        issued.wipeKey();
    }

    @Override
    public String toString() {
        return identity + " generation " + generation + " " + issued;
    }
}
