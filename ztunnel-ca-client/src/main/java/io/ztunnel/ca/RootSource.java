package io.ztunnel.ca;

import java.nio.file.Path;

/// Where the roots that the CA's own server certificate must chain to come from
/// (docs/spec/identity-and-tls.md 2.1 `CA_ROOT_CA`, 2.5).
public sealed interface RootSource {
    /// A PEM file. Read again whenever its content has changed.
    record PemFile(Path path) implements RootSource {}

    /// PEM text that never changes.
    record Pem(String text) implements RootSource {}

    /// What this machine trusts.
    record SystemStore() implements RootSource {}

    /// Reads the value of the setting: `SYSTEM`, PEM text, or the path of a file. The file need not
    /// exist yet: a root that is mounted a moment late is found by the next call.
    static RootSource of(String value) {
        if (value.equals("SYSTEM")) {
            return new SystemStore();
        }
        return value.contains("-----BEGIN") ? new Pem(value) : new PemFile(Path.of(value));
    }
}
