package io.ztunnel.ca;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.List;

import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

/// The roots for the CA's server certificate, read again when the file's content has changed
/// (docs/spec/identity-and-tls.md 2.5).
///
/// The content is compared at every use instead of watching the directory: calls are rare, the file
/// is small, and a swapped symbolic link, a network mount or a missed event make no difference.
/// A new content that is no good leaves the old roots in force and is tried again at the next use.
///
/// Callers serialize: not thread-safe.
final class CaRoots {
    private static final Logger LOG = LoggerFactory.getLogger(CaRoots.class);

    private final RootSource source;
    private @Nullable String content;
    private @Nullable X509TrustManager current;
    private long generation;

    CaRoots(RootSource source) {
        this.source = source;
    }

    /// Counts successful loads; a change means that channels have to be built anew.
    long generation() {
        return generation;
    }

    /// The roots to use now. Blocks for a file read.
    ///
    /// @throws IOException when none could be loaded yet
    X509TrustManager current() throws IOException, GeneralSecurityException {
        try {
            reload();
        } catch (IOException | GeneralSecurityException e) {
            if (current == null) {
                throw e;
            }
            LOG.warn("roots for the CA not reloaded, the old ones stay in force: {}", e.toString());
        }
        X509TrustManager loaded = current;
        if (loaded == null) {
            throw new IOException("no roots for the CA");
        }
        return loaded;
    }

    private void reload() throws IOException, GeneralSecurityException {
        switch (source) {
            case RootSource.SystemStore system -> {
                if (current == null) {
                    install(null, "");
                }
            }
            case RootSource.Pem pem -> {
                if (current == null) {
                    install(pem.text(), pem.text());
                }
            }
            case RootSource.PemFile file -> {
                String now = Files.readString(file.path(), StandardCharsets.US_ASCII);
                if (!now.equals(content)) {
                    install(now, now);
                    if (generation > 1) {
                        LOG.info("roots for the CA reloaded from {}", file.path());
                    }
                }
            }
        }
    }

    private void install(@Nullable String pem, String key)
            throws IOException, GeneralSecurityException {
        KeyStore store = null;
        if (pem != null) {
            List<X509Certificate> roots = PemCertificates.parse(pem);
            if (roots.isEmpty()) {
                throw new IOException("no certificate in the roots for the CA");
            }
            store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            for (int i = 0; i < roots.size(); i++) {
                store.setCertificateEntry("root-" + i, roots.get(i));
            }
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(store);
        for (TrustManager manager : factory.getTrustManagers()) {
            if (manager instanceof X509TrustManager x509) {
                current = x509;
                content = key;
                generation++;
                return;
            }
        }
        throw new GeneralSecurityException("no X.509 trust manager");
    }
}
