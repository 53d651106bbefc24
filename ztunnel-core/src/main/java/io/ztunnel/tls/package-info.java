/// Who did the peer prove to be?
///
/// Mutual TLS of the mesh on BoringSSL (docs/spec/identity-and-tls.md 5): contexts per certificate,
/// path validation, the identity rules of both directions, and reasons in words when a handshake
/// fails.
///
/// May use: `mesh`, `identity`.
/// Read in this order: [TlsSettings], [TlsContexts], [PeerIdentity], [TlsFailure], then inside
/// `PeerTrust`, `TrustRoots`, `PathValidation`.
@NullMarked
package io.ztunnel.tls;

import org.jspecify.annotations.NullMarked;
