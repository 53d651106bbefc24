package io.ztunnel.ca;

import io.netty.util.internal.EmptyArrays;

import org.jspecify.annotations.Nullable;

import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;

import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;

/// Trusts the CA's server certificate if it chains to the roots and names the host of the address
/// or the alternative host (docs/spec/identity-and-tls.md 2.4).
///
/// The name check is done here because overriding the authority, the other way to accept a second
/// name, would change what the server sees.
final class CaServerTrust extends X509ExtendedTrustManager {
    private final X509TrustManager chain;
    private final String host;
    private final @Nullable String alternative;

    CaServerTrust(X509TrustManager chain, String host, @Nullable String alternative) {
        this.chain = chain;
        this.host = host;
        this.alternative = alternative;
    }

    @Override
    public void checkServerTrusted(X509Certificate[] presented, String authType)
            throws CertificateException {
        // The authentication type decides nothing for TLS 1.3; the JDK wants a known one.
        chain.checkServerTrusted(presented, "ECDHE_ECDSA");
        X509Certificate leaf = presented[0];
        if (ServerName.matches(leaf, host)
                || (alternative != null && ServerName.matches(leaf, alternative))) {
            return;
        }
        throw new CertificateException("certificate of the CA is not for " + host);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] presented, String authType, SSLEngine engine)
            throws CertificateException {
        checkServerTrusted(presented, authType);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] presented, String authType, Socket socket)
            throws CertificateException {
        checkServerTrusted(presented, authType);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] presented, String authType)
            throws CertificateException {
        throw new CertificateException("this side is never a server");
    }

    @Override
    public void checkClientTrusted(X509Certificate[] presented, String authType, SSLEngine engine)
            throws CertificateException {
        checkClientTrusted(presented, authType);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] presented, String authType, Socket socket)
            throws CertificateException {
        checkClientTrusted(presented, authType);
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return EmptyArrays.EMPTY_X509_CERTIFICATES;
    }
}
