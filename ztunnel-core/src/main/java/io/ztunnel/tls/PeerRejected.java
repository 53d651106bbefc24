package io.ztunnel.tls;

import io.netty.handler.ssl.OpenSslCertificateException;
import io.netty.internal.tcnative.CertificateVerifier;

import org.jspecify.annotations.Nullable;

/// Why a peer's certificate is not accepted. Each reason has the alert of
/// docs/spec/identity-and-tls.md 5.6, reached through the error code that BoringSSL maps to it
/// (10.2).
final class PeerRejected extends Exception {
    private static final long serialVersionUID = 1L;

    enum Reason {
        /// Alert 42.
        MALFORMED(CertificateVerifier.X509_V_ERR_CERT_REJECTED),
        /// Alert 45.
        EXPIRED(CertificateVerifier.X509_V_ERR_CERT_HAS_EXPIRED),
        /// Alert 45.
        NOT_YET_VALID(CertificateVerifier.X509_V_ERR_CERT_NOT_YET_VALID),
        /// Alert 48.
        UNKNOWN_ISSUER(CertificateVerifier.X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY),
        /// Alert 51.
        BAD_SIGNATURE(CertificateVerifier.X509_V_ERR_CERT_SIGNATURE_FAILURE),
        /// Alert 43.
        WRONG_PURPOSE(CertificateVerifier.X509_V_ERR_INVALID_PURPOSE),
        /// Alert 44.
        REVOKED(CertificateVerifier.X509_V_ERR_CERT_REVOKED),
        /// Alert 40.
        REVOCATION_UNKNOWN(CertificateVerifier.X509_V_ERR_APPLICATION_VERIFICATION),
        /// Alert 46; any other fault of the path.
        BAD_PATH(CertificateVerifier.X509_V_ERR_SUBJECT_ISSUER_MISMATCH),
        /// Alert 46.
        WRONG_IDENTITY(CertificateVerifier.X509_V_ERR_SUBJECT_ISSUER_MISMATCH);

        private final int code;

        Reason(int code) {
            this.code = code;
        }
    }

    private final Reason reason;

    PeerRejected(Reason reason, String text) {
        this(reason, text, null);
    }

    PeerRejected(Reason reason, String text, @Nullable Throwable cause) {
        super(text, cause);
        this.reason = reason;
    }

    Reason reason() {
        return reason;
    }

    String text() {
        return String.valueOf(getMessage());
    }

    /// In the form in which the library turns it into the right alert.
    OpenSslCertificateException forAlert() {
        return new OpenSslCertificateException(text(), this, reason.code);
    }
}
