package io.ztunnel.xds;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// The token of the stream, read anew for each one, because Kubernetes replaces it in place.
@FunctionalInterface
public interface BearerToken {

    /// The token, or the empty text where none is to be sent.
    ///
    /// @throws IOException if it should be there and is not
    String read() throws IOException;

    /// No authentication.
    static BearerToken none() {
        return () -> "";
    }

    static BearerToken fixed(String token) {
        return () -> token;
    }

    /// The content of a file; white space around it is dropped, since a header could not carry it.
    static BearerToken inFile(Path file) {
        return () -> {
            String token = Files.readString(file).strip();
            if (token.isEmpty()) {
                throw new IOException("the token file is empty: " + file);
            }
            return token;
        };
    }
}
