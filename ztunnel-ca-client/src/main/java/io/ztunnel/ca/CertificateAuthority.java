package io.ztunnel.ca;

/// Whoever signs workload certificates for this node.
public interface CertificateAuthority extends AutoCloseable {
    /// Asks for one certificate, with a key made for this call only.
    ///
    /// Blocks until the answer is in or the deadline has passed: call it on a virtual thread. Safe
    /// to call from several threads at once.
    ///
    /// @param spiffeId the identity in text form, for example `spiffe://td/ns/n/sa/s`
    /// @throws CertificateRefusal when there is no usable certificate; says which side is wrong
    /// @throws InterruptedException when the calling thread was interrupted while waiting
    IssuedCertificate sign(String spiffeId) throws CertificateRefusal, InterruptedException;

    /// Looks whether what this authority trusts has changed on disk, so that a bad new root is
    /// reported now and not at the next renewal, hours later. Blocks for a file read.
    default void checkTrust() {}

    /// Ends connections. Calls under way fail.
    @Override
    default void close() {}
}
