package io.ztunnel.xds;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Collection;

import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

/// Whom to believe to be the control plane. Read anew for each connection, so that a new root takes
/// effect with the next one.
public sealed interface TrustAnchors {
    /// The certificates that the Java runtime trusts.
    record OfSystem() implements TrustAnchors {}

    /// The certificates of a PEM file.
    record InFile(Path file) implements TrustAnchors {}

    /// Certificates as PEM text.
    record Pem(String text) implements TrustAnchors {}

    /// Reads the setting `XDS_ROOT_CA`: `SYSTEM`, PEM text, or else the path of a file, which need
    /// not exist yet.
    static TrustAnchors parse(String setting) {
        if (setting.equals("SYSTEM")) {
            return new OfSystem();
        }
        return setting.contains("-----BEGIN") ? new Pem(setting) : new InFile(Path.of(setting));
    }

    /// The judge of a server's certificate chain.
    ///
    /// @throws IOException if the file cannot be read
    /// @throws GeneralSecurityException if there is no certificate in it
    default X509ExtendedTrustManager trustManager() throws IOException, GeneralSecurityException {
        return switch (this) {
            case OfSystem() -> trusting(null);
            case InFile(Path file) -> trusting(keyStore(Files.readAllBytes(file), file.toString()));
            case Pem(String text) ->
                    trusting(keyStore(text.getBytes(StandardCharsets.UTF_8), "the setting"));
        };
    }

    private static KeyStore keyStore(byte[] pem, String origin)
            throws IOException, GeneralSecurityException {
        Collection<? extends Certificate> roots =
                CertificateFactory.getInstance("X.509")
                        .generateCertificates(new ByteArrayInputStream(pem));
        if (roots.isEmpty()) {
            throw new GeneralSecurityException("no root certificate in " + origin);
        }
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        for (Certificate root : roots) {
            store.setCertificateEntry("root-" + store.size(), root);
        }
        return store;
    }

    private static X509ExtendedTrustManager trusting(@Nullable KeyStore roots)
            throws GeneralSecurityException {
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(roots);
        for (TrustManager manager : factory.getTrustManagers()) {
            if (manager instanceof X509ExtendedTrustManager extended) {
                return extended;
            }
        }
        throw new GeneralSecurityException("this Java runtime has no PKIX trust manager");
    }
}
