package io.ztunnel.xds;

import com.google.protobuf.CodedOutputStream;

import org.jspecify.annotations.Nullable;

import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;

/// The names of one type that are in force, each with the version that a reconnect claims.
final class Retained {
    private static final int DIGITS = 16;

    /// A version of 16 hexadecimal digits, which is what istiod sends, as a number: a third of its
    /// text.
    private final Map<String, Object> versions = new HashMap<>();
    private long claimBytes;

    void put(String name, String version) {
        @Nullable Object previous = versions.put(name, packed(version));
        claimBytes += claimSize(name, version);
        if (previous != null) {
            claimBytes -= claimSize(name, text(previous));
        }
    }

    void remove(String name) {
        @Nullable Object version = versions.remove(name);
        if (version != null) {
            claimBytes -= claimSize(name, text(version));
        }
    }

    /// A copy, for a claim.
    Map<String, String> versions() {
        Map<String, String> texts = HashMap.newHashMap(versions.size());
        versions.forEach((name, version) -> texts.put(name, text(version)));
        return texts;
    }

    private static Object packed(String version) {
        if (version.length() != DIGITS) {
            return version.isEmpty() ? "" : version;
        }
        long number = 0;
        for (int i = 0; i < DIGITS; i++) {
            char digit = version.charAt(i);
            boolean lower = digit >= 'a' && digit <= 'f';
            if (!lower && (digit < '0' || digit > '9')) {
                return version;
            }
            number = number << 4 | (lower ? digit - 'a' + 10 : digit - '0');
        }
        return number;
    }

    private static String text(Object version) {
        return version instanceof Long number
                ? HexFormat.of().toHexDigits(number)
                : (String) version;
    }

    Set<String> names() {
        return Collections.unmodifiableSet(versions.keySet());
    }

    /// How many bytes a request grows by if it claims everything here.
    long claimBytes() {
        return claimBytes;
    }

    /// One entry of `initial_resource_versions`, a map field with a one-byte tag.
    static long claimSize(String name, String version) {
        int entry =
                CodedOutputStream.computeStringSize(1, name)
                        + CodedOutputStream.computeStringSize(2, version);
        return 1L + CodedOutputStream.computeUInt32SizeNoTag(entry) + entry;
    }
}
