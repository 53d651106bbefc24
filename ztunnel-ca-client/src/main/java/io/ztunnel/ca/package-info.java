/// How does a node get a certificate for a workload?
///
/// Asking an Istio CA over gRPC: a fresh key, a signing request, the token and headers of this
/// node, and a hard look at the answer before anybody uses it (docs/spec/identity-and-tls.md 2).
/// Nothing here remembers an identity; who is wanted and when to ask again is the caller's job.
///
/// Read in this order: [CertificateAuthority], [IssuedCertificate], [CertificateRefusal],
/// [CaSettings], [IstioCertificateAuthority].
@NullMarked
package io.ztunnel.ca;

import org.jspecify.annotations.NullMarked;
