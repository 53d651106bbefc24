package io.ztunnel.demo;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Optional;

/// A TCP segment that carries data.
///
/// Endpoints read `ip:port`.
final class Packet {
    private static final int TLS_HANDSHAKE = 0x16;
    private static final int TLS_DATA = 0x17;

    private final String source;
    private final String destination;
    private final byte[] payload;

    Packet(String source, String destination, byte[] payload) {
        this.source = source;
        this.destination = destination;
        this.payload = payload;
    }

    String source() {
        return source;
    }

    String destination() {
        return destination;
    }

    /// Bytes of data.
    int length() {
        return payload.length;
    }

    boolean usesPort(int port) {
        return source.endsWith(":" + port) || destination.endsWith(":" + port);
    }

    /// The payload with everything unprintable left out.
    String text() {
        return new String(payload, StandardCharsets.ISO_8859_1).replaceAll("[^\\x20-\\x7e\\n]", "");
    }

    /// Which kind of TLS record it begins with, if it does.
    Optional<String> tlsRecord() {
        if (payload.length < 3 || payload[1] != 3) {
            return Optional.empty();
        }
        return switch (payload[0]) {
            case 0x14 -> Optional.of("TLS change cipher spec");
            case 0x15 -> Optional.of("TLS alert");
            case TLS_HANDSHAKE -> Optional.of("TLS handshake");
            case TLS_DATA -> Optional.of("TLS encrypted data");
            default -> Optional.empty();
        };
    }

    /// The first bytes, for people who want to see them.
    String hex() {
        int shown = Math.min(payload.length, 12);
        return HexFormat.ofDelimiter(" ").formatHex(payload, 0, shown)
                + (shown < payload.length ? " …" : "");
    }
}
