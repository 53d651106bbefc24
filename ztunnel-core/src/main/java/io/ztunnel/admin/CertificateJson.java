package io.ztunnel.admin;

import com.fasterxml.jackson.core.JsonGenerator;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Date;
import java.util.List;

/// A held identity as `/config_dump` shows it (docs/spec/config-observability-dns.md 2.3.4), keys
/// in alphabetical order. Never a private key.
public final class CertificateJson {
    private CertificateJson() {}

    /// @param state `Initializing`, `Available` or `Unavailable: <reason>`
    /// @param chain the leaf first; empty unless available
    public static void write(
            JsonGenerator json,
            String identity,
            String state,
            List<X509Certificate> chain,
            List<X509Certificate> roots)
            throws IOException {
        json.writeStartObject();
        certificates(json, "certChain", chain);
        json.writeStringField("identity", identity);
        certificates(json, "rootCerts", roots);
        json.writeStringField("state", state);
        json.writeEndObject();
    }

    private static void certificates(
            JsonGenerator json, String name, List<X509Certificate> certificates)
            throws IOException {
        json.writeArrayFieldStart(name);
        for (X509Certificate certificate : certificates) {
            json.writeStartObject();
            json.writeStringField("expirationTime", time(certificate.getNotAfter()));
            json.writeStringField("pem", base64(pem(certificate)));
            json.writeStringField("serialNumber", certificate.getSerialNumber().toString());
            json.writeStringField("validFrom", time(certificate.getNotBefore()));
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static String time(Date date) {
        return date.toInstant().truncatedTo(ChronoUnit.SECONDS).toString();
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.US_ASCII));
    }

    private static String pem(X509Certificate certificate) throws IOException {
        try {
            byte[] lineFeed = {'\n'};
            return "-----BEGIN CERTIFICATE-----\n"
                    + Base64.getMimeEncoder(64, lineFeed).encodeToString(certificate.getEncoded())
                    + "\n-----END CERTIFICATE-----\n";
        } catch (CertificateEncodingException unusable) {
            throw new IOException("certificate cannot be encoded", unusable);
        }
    }
}
