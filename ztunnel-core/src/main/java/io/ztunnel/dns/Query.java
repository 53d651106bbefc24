package io.ztunnel.dns;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;

/// A question that was understood.
///
/// @param questions the question section as it came: it is repeated byte for byte
/// @param question null unless there is exactly one
/// @param edns null where the client does not speak of it
@SuppressWarnings("ArrayRecordComponent") // Never compared, and never changed.
record Query(Header header, byte[] questions, @Nullable Question question, @Nullable Edns edns) {

    /// @param name lower case, without the dot at the end
    /// @param plain whether the text says all: dots are between labels and every byte is a visible
    ///     character. Others are no names of the mesh.
    /// @param type as on the wire
    record Question(String name, boolean plain, int type) {
        static final int A = 1;
        static final int AAAA = 28;

        boolean asksForAddresses() {
            return type == A || type == AAAA;
        }
    }

    /// What the client says of itself (RFC 6891).
    ///
    /// @param payload the largest datagram it takes
    record Edns(int payload, int version, boolean dnssecOk) {
        static final int DNSSEC_OK = 0x8000;
    }

    /// The question section with names in lower case: what is compared and remembered.
    byte[] canonicalQuestion() {
        return canonical(questions);
    }

    /// @param question one question; lengths of labels are no letters, and type and class are
    ///     spared
    static byte[] canonical(byte[] question) {
        byte[] lower = question.clone();
        for (int i = 0; i < lower.length - 4; i++) {
            if (lower[i] >= 'A' && lower[i] <= 'Z') {
                lower[i] = (byte) (lower[i] + 'a' - 'A');
            }
        }
        return lower;
    }

    boolean isCanonical() {
        return Arrays.equals(questions, canonical(questions));
    }
}
