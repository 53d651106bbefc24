package io.ztunnel.ca;

import io.ztunnel.ca.CertificateRefusal.Side;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/// What this node shows to prove who it is. No value of it appears in any text.
public sealed interface TokenSource {
    /// Sends neither `authorization` nor `clusterid`.
    record Anonymous() implements TokenSource {}

    /// A token that never changes.
    record Literal(String token) implements TokenSource {
        @Override
        public String toString() {
            return "Literal[redacted]";
        }
    }

    /// A file that is read for every call, since Kubernetes replaces projected tokens.
    ///
    /// @param optional a missing file means an anonymous call instead of a failure
    record TokenFile(Path path, boolean optional) implements TokenSource {}

    /// The token for one call; null for an anonymous one. Blocks for a file read.
    ///
    /// Space around the token is dropped: a final newline is how editors end files, and upstream
    /// fails every call because of it.
    ///
    /// @throws CertificateRefusal when there should be a token and is none
    default @Nullable String read() throws CertificateRefusal {
        return switch (this) {
            case Anonymous anonymous -> null;
            case Literal literal -> checked(literal.token().strip(), "the configured token");
            case TokenFile file -> {
                try {
                    String text = Files.readString(file.path(), StandardCharsets.UTF_8);
                    yield checked(text.strip(), file.path().toString());
                } catch (NoSuchFileException e) {
                    if (file.optional()) {
                        yield null;
                    }
                    throw refusal("token file does not exist: " + file.path(), e);
                } catch (IOException e) {
                    throw refusal("token file cannot be read: " + file.path(), e);
                }
            }
        };
    }

    private static String checked(String token, String origin) throws CertificateRefusal {
        if (token.isEmpty()) {
            throw refusal("token file exists, but was empty", null);
        }
        for (int i = 0; i < token.length(); i++) {
            char c = token.charAt(i);
            if (c < 0x20 || c > 0x7e) {
                throw refusal("token contains a character no header may have: " + origin, null);
            }
        }
        return token;
    }

    private static CertificateRefusal refusal(String text, @Nullable Throwable cause) {
        return new CertificateRefusal(
                Side.NODE,
                text,
                "Mount a service account token with audience istio-ca, or set AUTH_TOKEN.",
                cause);
    }
}
