package io.ztunnel.ca;

import java.io.ByteArrayInputStream;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/// Reading certificates out of PEM text. Strict: a block of another kind, or one that does not
/// decode, fails the whole text.
final class PemCertificates {
    private static final String BEGIN = "-----BEGIN ";
    private static final String DASHES = "-----";

    private PemCertificates() {}

    /// All certificates of a text, in order; empty for a text without PEM blocks.
    static List<X509Certificate> parse(String text) throws CertificateException {
        List<X509Certificate> certificates = new ArrayList<>();
        int at = text.indexOf(BEGIN);
        while (at >= 0) {
            int labelEnd = text.indexOf(DASHES, at + BEGIN.length());
            if (labelEnd < 0) {
                throw new CertificateException("PEM block without end of its first line");
            }
            String label = text.substring(at + BEGIN.length(), labelEnd);
            String end = "-----END " + label + DASHES;
            int bodyEnd = text.indexOf(end, labelEnd);
            if (bodyEnd < 0) {
                throw new CertificateException("PEM block without end: " + printable(label));
            }
            if (!label.equals("CERTIFICATE")) {
                throw new CertificateException("expected a certificate, got " + printable(label));
            }
            certificates.add(decode(text.substring(labelEnd + DASHES.length(), bodyEnd)));
            at = text.indexOf(BEGIN, bodyEnd + end.length());
        }
        return certificates;
    }

    private static X509Certificate decode(String body) throws CertificateException {
        byte[] der;
        try {
            der = Base64.getMimeDecoder().decode(body);
        } catch (IllegalArgumentException e) {
            throw new CertificateException("PEM body is not base64", e);
        }
        return (X509Certificate)
                CertificateFactory.getInstance("X.509")
                        .generateCertificate(new ByteArrayInputStream(der));
    }

    /// Labels come from the other side and go into log lines.
    private static String printable(String label) {
        String shown = label.length() > 40 ? label.substring(0, 40) : label;
        return shown.replaceAll("[^ A-Za-z0-9]", "?");
    }
}
