package io.ztunnel.tls;

import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.tls.PeerRejected.Reason;

import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;

/// The identities in a certificate: every URI name that parses as one, others skipped
/// (docs/spec/identity-and-tls.md 5.5, row E68).
final class LeafNames {
    private static final int URI = 6;

    private LeafNames() {}

    static List<SpiffeId> identities(X509Certificate leaf) throws PeerRejected {
        Collection<List<?>> names;
        try {
            names = leaf.getSubjectAlternativeNames();
        } catch (CertificateParsingException e) {
            throw new PeerRejected(Reason.MALFORMED, "names of the certificate do not parse", e);
        }
        if (names == null) {
            return List.of();
        }
        List<SpiffeId> identities = new ArrayList<>(1);
        for (List<?> name : names) {
            if (Objects.equals(name.get(0), URI)) {
                SpiffeId id = SpiffeId.parseOrNull((String) name.get(1));
                if (id != null) {
                    identities.add(id);
                }
            }
        }
        return List.copyOf(identities);
    }
}
