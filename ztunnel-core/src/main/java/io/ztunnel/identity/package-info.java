/// Which certificates does this node need, hold and must renew?
///
/// Facts and decisions about our own certificates (docs/spec/identity-and-tls.md 3). What a peer
/// proves in a handshake is the business of `tls`.
///
/// May use: `mesh`, ztunnel-ca-client.
/// Read in this order: [CertificateSource], [HeldCertificate], [RenewalPlan], [CertificateBook].
@NullMarked
package io.ztunnel.identity;

import org.jspecify.annotations.NullMarked;
