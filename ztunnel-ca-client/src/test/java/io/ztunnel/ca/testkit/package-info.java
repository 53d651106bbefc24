/// A CA for tests, demos and benchmarks that says yes and no exactly where istiod does
/// (docs/spec/identity-and-tls.md 4 and 8.3), and certificates of any shape for tests of TLS.
///
/// Read in this order: [IssuingCa], [LeafRequest], [LocalCa], [NodeAuthorizer], [CaFault].
@NullMarked
package io.ztunnel.ca.testkit;

import org.jspecify.annotations.NullMarked;
