package io.ztunnel.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// A root and one P-256 identity signed by it, as files, made with openssl.
///
/// @param root certificate, PEM
/// @param identity certificate and key in one file, PEM, as haproxy reads it
record TlsFiles(Path root, Path identity) {
    static TlsFiles create(Path directory) {
        Path rootKey = directory.resolve("root.key");
        Path root = directory.resolve("root.pem");
        Path key = directory.resolve("leaf.key");
        Path leaf = directory.resolve("leaf.pem");
        Path identity = directory.resolve("identity.pem");
        String curve = "ec_paramgen_curve:prime256v1";
        Command.run(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                curve,
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/O=bench root",
                "-keyout",
                rootKey.toString(),
                "-out",
                root.toString());
        Command.run(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                curve,
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/O=bench",
                "-CA",
                root.toString(),
                "-CAkey",
                rootKey.toString(),
                "-addext",
                "basicConstraints=critical,CA:FALSE",
                "-addext",
                "subjectAltName=URI:spiffe://cluster.local/ns/default/sa/bench",
                "-keyout",
                key.toString(),
                "-out",
                leaf.toString());
        try {
            Files.writeString(identity, Files.readString(leaf) + Files.readString(key));
        } catch (IOException problem) {
            throw new LabFailure("cannot write certificates", problem);
        }
        return new TlsFiles(root, identity);
    }
}
