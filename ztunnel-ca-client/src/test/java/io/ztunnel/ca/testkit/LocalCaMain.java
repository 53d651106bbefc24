package io.ztunnel.ca.testkit;

import io.ztunnel.ca.testkit.NodeAuthorizer.Caller;
import io.ztunnel.ca.testkit.NodeAuthorizer.Pod;

import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/// The local CA as a program of its own, for demos: writes `root-cert.pem` and `token` into a
/// directory and serves until it is ended.
///
/// ```
/// --listen 127.0.0.1:15012        where to listen; port 0 for any
/// --out DIR                       root-cert.pem and token (mode of the directory's owner)
/// --trust-domain cluster.local
/// --cluster Kubernetes
/// --name HOST                     further name of the server certificate; may repeat
/// --intermediate                  sign with an intermediate CA
/// --token TOKEN=ns/sa/pod/uid     a known token; may repeat. Without any, one is made for
///                                 istio-system/ztunnel and written to DIR/token
/// --tokens FILE                   such lines from a file
/// --pod ns/name/uid/sa/node       a known pod; may repeat. Without any, every identity is signed
/// ```
final class LocalCaMain {
    private LocalCaMain() {}

    static void run(String[] arguments) throws Exception {
        InetSocketAddress listen = new InetSocketAddress("127.0.0.1", 15012);
        Path out = Path.of(".");
        String trustDomain = "cluster.local";
        String cluster = "Kubernetes";
        boolean intermediate = false;
        List<String> names =
                new ArrayList<>(List.of("localhost", "127.0.0.1", "istiod.istio-system.svc"));
        List<String> tokens = new ArrayList<>();
        List<String> pods = new ArrayList<>();
        for (int i = 0; i < arguments.length; i++) {
            switch (arguments[i]) {
                case "--listen" -> listen = address(arguments[++i]);
                case "--out" -> out = Path.of(arguments[++i]);
                case "--trust-domain" -> trustDomain = arguments[++i];
                case "--cluster" -> cluster = arguments[++i];
                case "--name" -> names.add(arguments[++i]);
                case "--intermediate" -> intermediate = true;
                case "--token" -> tokens.add(arguments[++i]);
                case "--tokens" -> tokens.addAll(Files.readAllLines(Path.of(arguments[++i])));
                case "--pod" -> pods.add(arguments[++i]);
                default -> throw new IllegalArgumentException("unknown option " + arguments[i]);
            }
        }

        NodeAuthorizer authorizer = new NodeAuthorizer(cluster);
        for (String token : tokens) {
            addToken(authorizer, cluster, token);
        }
        Files.createDirectories(out);
        if (tokens.isEmpty()) {
            byte[] random = new byte[24];
            new SecureRandom().nextBytes(random);
            String token = HexFormat.of().formatHex(random);
            addToken(authorizer, cluster, token + "=istio-system/ztunnel/ztunnel/ztunnel-uid");
            Files.writeString(out.resolve("token"), token);
        }
        for (String pod : pods) {
            String[] part = pod.split("/");
            authorizer.pods.add(new Pod(cluster, part[0], part[1], part[2], part[3], part[4]));
        }
        if (pods.isEmpty()) {
            authorizer.anyIdentity();
        }

        IssuingCa root = IssuingCa.root("O=" + trustDomain);
        IssuingCa signer =
                intermediate ? root.intermediate("O=" + trustDomain + ",CN=intermediate") : root;
        try (LocalCa ca = LocalCa.start(listen, trustDomain, signer, authorizer, names)) {
            Files.writeString(out.resolve("root-cert.pem"), ca.rootPem());
            System.out.println("local CA on port " + ca.port() + ", files in " + out);
            Thread.currentThread().join();
        }
    }

    private static void addToken(NodeAuthorizer authorizer, String cluster, String line) {
        if (line.isBlank() || line.startsWith("#")) {
            return;
        }
        int equals = line.lastIndexOf('=');
        String[] part = line.substring(equals + 1).split("/");
        authorizer.tokens.put(
                line.substring(0, equals).strip(),
                new Caller(cluster, part[0], part[1], part[2], part[3].strip()));
    }

    private static InetSocketAddress address(String text) {
        int colon = text.lastIndexOf(':');
        return new InetSocketAddress(
                text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)));
    }
}
