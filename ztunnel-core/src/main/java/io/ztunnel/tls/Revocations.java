package io.ztunnel.tls;

import io.ztunnel.identity.HeldCertificate;
import io.ztunnel.tls.PathValidation.Usage;
import io.ztunnel.tls.PeerRejected.Reason;

import org.jspecify.annotations.Nullable;

import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/// Which lists are in force (docs/spec/identity-and-tls.md 6). Handshakes read them,
/// [RevocationFile] writes them. Safe on any thread.
public final class Revocations {

    /// Counts what revocation does. Called on the loop of the connection.
    @FunctionalInterface
    public interface Listener {

        /// A peer was turned away or a standing tunnel cut because of a revoked certificate.
        ///
        /// @param inbound whether the peer had come to us
        void onRejected(boolean inbound);
    }

    private final Listener listener;
    private volatile RevocationLists current = RevocationLists.NONE;

    public Revocations(Listener listener) {
        this.listener = listener;
    }

    /// Nothing is ever revoked.
    public static Revocations off() {
        return new Revocations(_ -> {});
    }

    RevocationLists current() {
        return current;
    }

    void replace(RevocationLists lists) {
        current = lists;
    }

    Listener listener() {
        return listener;
    }

    /// Lists in force.
    public int lists() {
        return current.size();
    }

    /// Certificates that they revoke.
    public int entries() {
        return current.entries();
    }

    /// Lists past their nextUpdate. They are used all the same.
    public int stale(Instant now) {
        return current.staleAt(now);
    }

    /// Why peers that enforce these lists refuse our certificate; null where they do not.
    public @Nullable String objection(HeldCertificate own, Instant now) {
        RevocationLists lists = current;
        if (lists.isEmpty()) {
            return null;
        }
        List<X509Certificate> chain = new ArrayList<>(List.of(own.leaf()));
        chain.addAll(own.intermediates());
        try {
            PathValidation.validate(chain, own.roots(), Usage.CLIENT, now, lists);
            return null;
        } catch (PeerRejected no) {
            return no.reason() == Reason.REVOKED ? no.text() : null;
        }
    }
}
