package io.ztunnel.hbone.header;

import org.jspecify.annotations.Nullable;

/// Where a connection came from, and which service it was meant for
/// (`docs/spec/dataplane.md` 2.4 and 3.6; a small part of RFC 7239). Telemetry only.
///
/// @param source `ip:port`, v6 in brackets; null when absent
/// @param host addressed service; null when absent
public record Forwarded(@Nullable String source, @Nullable String host) {

    public static final Forwarded NONE = new Forwarded(null, null);

    public Forwarded {
        source = source == null || source.isEmpty() ? null : source;
        host = host == null || host.isEmpty() ? null : host;
    }

    /// Reads the first instance of the header; null means there was none. Several elements in one
    /// instance are not told apart.
    public static Forwarded parse(@Nullable String header) {
        if (header == null || !HeaderChars.areText(header)) {
            return NONE;
        }
        return new Forwarded(parameter(header, "for="), parameter(header, "host="));
    }

    private static @Nullable String parameter(String header, String key) {
        for (int start = 0; start <= header.length(); ) {
            int semicolon = header.indexOf(';', start);
            int end = semicolon < 0 ? header.length() : semicolon;
            String part = header.substring(start, end).trim();
            if (part.startsWith(key)) {
                return unquoted(part.substring(key.length()));
            }
            start = end + 1;
        }
        return null;
    }

    private static String unquoted(String value) {
        int start = value.startsWith("\"") ? 1 : 0;
        int end = value.length() - (value.length() > start && value.endsWith("\"") ? 1 : 0);
        return value.substring(start, end);
    }

    /// The header's value: the source in quotes, the host without.
    public String write() {
        String from = source == null ? "" : "for=\"" + source + '"';
        if (host == null) {
            return from;
        }
        return from.isEmpty() ? "host=" + host : from + ";host=" + host;
    }
}
