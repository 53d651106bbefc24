package io.ztunnel.identity;

import io.ztunnel.mesh.SpiffeId;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.Executor;

/// Where the stages of a connection get our certificates from. Safe on any thread.
public interface CertificateSource {
    /// Asks for the certificate of an identity. The receiver is called exactly once, by the
    /// executor, with a certificate that is valid at that time or with the reason why there is
    /// none.
    ///
    /// @param callbackLoop the event loop that asks
    void request(SpiffeId identity, Priority priority, Executor callbackLoop, Receiver receiver);

    /// The certificate if one is held and valid now; never waits.
    @Nullable HeldCertificate current(SpiffeId identity);

    /// Takes the answer.
    interface Receiver {
        void onCertificate(HeldCertificate certificate);

        /// @param text one line as in docs/spec/identity-and-tls.md 2.7
        void onFailure(String text);
    }
}
