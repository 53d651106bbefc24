package io.ztunnel.xds;

import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import java.util.Locale;

import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/// Accepts a server under a second name as well (`ALT_XDS_HOSTNAME`): the chain must be trusted in
/// any case, and the certificate must carry the name of the URI or this one.
final class SecondName extends X509ExtendedTrustManager {
    private static final int DNS_NAME = 2;

    private final X509ExtendedTrustManager chains;
    private final String name;

    SecondName(X509ExtendedTrustManager chains, String name) {
        this.chains = chains;
        this.name = name.toLowerCase(Locale.ROOT);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
            throws CertificateException {
        try {
            chains.checkServerTrusted(chain, authType, engine);
        } catch (CertificateException underTheFirstName) {
            try {
                chains.checkServerTrusted(chain, authType);
                if (carriesName(chain[0])) {
                    return;
                }
            } catch (CertificateException untrusted) {
                underTheFirstName.addSuppressed(untrusted);
            }
            throw underTheFirstName;
        }
    }

    /// RFC 6125 6.4: exact, or a wildcard that stands for the whole left-most label.
    private boolean carriesName(X509Certificate certificate) throws CertificateException {
        Collection<List<?>> names = certificate.getSubjectAlternativeNames();
        if (names == null) {
            return false;
        }
        for (List<?> entry : names) {
            if (entry.get(0).equals(DNS_NAME) && entry.get(1) instanceof String pattern) {
                String lower = pattern.toLowerCase(Locale.ROOT);
                int dot = name.indexOf('.');
                boolean covered =
                        lower.startsWith("*.")
                                && dot > 0
                                && lower.substring(1).equals(name.substring(dot));
                if (covered || lower.equals(name)) {
                    return true;
                }
            }
        }
        return false;
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
            throws CertificateException {
        chains.checkServerTrusted(chain, authType, socket);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType)
            throws CertificateException {
        chains.checkServerTrusted(chain, authType);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType)
            throws CertificateException {
        throw new CertificateException("this side has no clients");
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
            throws CertificateException {
        checkClientTrusted(chain, authType);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
            throws CertificateException {
        checkClientTrusted(chain, authType);
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return chains.getAcceptedIssuers();
    }
}
