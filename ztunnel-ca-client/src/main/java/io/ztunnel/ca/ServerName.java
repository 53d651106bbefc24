package io.ztunnel.ca;

import io.netty.util.NetUtil;

import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;

/// Whether a server certificate is for a host (RFC 9525): address literals match IP names only,
/// host names match DNS names, a wildcard stands for exactly the leftmost label. The common name is
/// never looked at.
final class ServerName {
    private static final int SAN_DNS = 2;
    private static final int SAN_IP = 7;

    private ServerName() {}

    static boolean matches(X509Certificate certificate, String host)
            throws CertificateParsingException {
        Collection<List<?>> names = certificate.getSubjectAlternativeNames();
        if (names == null) {
            return false;
        }
        byte[] address = NetUtil.createByteArrayFromIpAddressString(host);
        for (List<?> name : names) {
            int kind = (Integer) name.get(0);
            if (address != null && kind == SAN_IP) {
                byte[] named = NetUtil.createByteArrayFromIpAddressString((String) name.get(1));
                if (Arrays.equals(address, named)) {
                    return true;
                }
            } else if (address == null
                    && kind == SAN_DNS
                    && dnsMatches((String) name.get(1), host)) {
                return true;
            }
        }
        return false;
    }

    private static boolean dnsMatches(String pattern, String host) {
        String wanted = host.toLowerCase(Locale.ROOT);
        String offered = pattern.toLowerCase(Locale.ROOT);
        if (!offered.startsWith("*.")) {
            return offered.equals(wanted);
        }
        int dot = wanted.indexOf('.');
        return dot > 0 && wanted.substring(dot).equals(offered.substring(1));
    }
}
