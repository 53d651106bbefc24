package io.ztunnel.identity;

import io.ztunnel.mesh.SpiffeId;

import org.jspecify.annotations.Nullable;

import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;

/// One identity of the book, for the dump (docs/spec/identity-and-tls.md 3.9).
///
/// @param state `Initializing`, `Available` or `Unavailable: <text>`
/// @param certificate null unless available
public record BookLine(SpiffeId identity, String state, @Nullable HeldCertificate certificate) {
    /// Leaf, then intermediates; empty unless available.
    public List<X509Certificate> chain() {
        if (certificate == null) {
            return List.of();
        }
        List<X509Certificate> chain = new ArrayList<>(List.of(certificate.leaf()));
        chain.addAll(certificate.intermediates());
        return chain;
    }

    /// Empty unless available.
    public List<X509Certificate> roots() {
        return certificate == null ? List.of() : certificate.roots();
    }
}
