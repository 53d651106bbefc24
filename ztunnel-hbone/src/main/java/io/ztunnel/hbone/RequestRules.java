package io.ztunnel.hbone;

import io.netty.handler.codec.http2.Http2Headers;

import org.jspecify.annotations.Nullable;

/// What makes a request malformed for HTTP/2, whoever asks (RFC 9113 sections 8.3.1 and 8.5,
/// `docs/spec/dataplane.md` 3.2 row 0). Rules about single fields were checked while decoding.
final class RequestRules {

    private static final String IN_AUTHORITY = "-._~!$&'()*+,;=:@[]%";

    private RequestRules() {}

    static boolean areMet(Http2Headers headers) {
        CharSequence method = headers.method();
        // Extended CONNECT was not offered, and a status has no place in a request.
        if (method == null || headers.contains(":protocol") || headers.status() != null) {
            return false;
        }
        boolean connect = "CONNECT".contentEquals(method);
        if (connect && (headers.scheme() != null || headers.path() != null)) {
            return false;
        }
        if (!connect && (headers.scheme() == null || headers.path() == null)) {
            return false;
        }
        return authorityIsMet(headers.authority());
    }

    /// Only what can never be an authority; whether it names anything is decided elsewhere.
    private static boolean authorityIsMet(@Nullable CharSequence authority) {
        if (authority == null) {
            return true;
        }
        if (authority.isEmpty()) {
            return false;
        }
        int brackets = 0;
        int colons = 0;
        for (int i = 0; i < authority.length(); i++) {
            char c = authority.charAt(i);
            if (c == '[') {
                if (brackets++ > 0) {
                    return false;
                }
            } else if (c == ']') {
                if (brackets++ != 1) {
                    return false;
                }
            } else if (c == ':' && brackets != 1) {
                colons++;
            } else if (!isAlphanumeric(c) && IN_AUTHORITY.indexOf(c) < 0) {
                return false;
            }
        }
        return brackets != 1 && colons <= 1;
    }

    private static boolean isAlphanumeric(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    }
}
