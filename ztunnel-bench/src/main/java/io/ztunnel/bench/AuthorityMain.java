package io.ztunnel.bench;

import io.ztunnel.ca.CaSettings;
import io.ztunnel.ca.CertificateAuthority;
import io.ztunnel.ca.IstioCertificateAuthority;
import io.ztunnel.ca.RootSource;
import io.ztunnel.ca.TokenSource;
import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.ca.testkit.LocalCa;
import io.ztunnel.ca.testkit.NodeAuthorizer;

import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// The certificate authority of a run as a process: `AuthorityMain <ip> <port> <root file>`.
///
/// Says `ok` on standard output when it is warm, for its own start must not show in the start of a
/// proxy that asks it; ends when standard input does.
public final class AuthorityMain {
    private static final String TRUST_DOMAIN = "cluster.local";
    private static final String CLUSTER = "Kubernetes";
    /// Of a node\'s proxy, which may ask for the identity of every pod.
    static final String NODE_TOKEN = "node";

    /// Enough that a signature takes what it will take from then on.
    private static final int WARM_UP_CALLS = 200;

    private AuthorityMain() {}

    public static void main(String[] args) throws Exception {
        NodeAuthorizer callers = new NodeAuthorizer(CLUSTER).anyIdentity();
        // A dedicated proxy is who its token says; each account's token is its name.
        for (String account : List.of(ZtunnelProxies.SOURCE, ZtunnelProxies.DESTINATION)) {
            callers.tokens.put(account, caller("default", account));
        }
        callers.tokens.put(NODE_TOKEN, caller("istio-system", "ztunnel"));
        InetSocketAddress address = new InetSocketAddress(args[0], Integer.parseInt(args[1]));
        try (LocalCa ca =
                LocalCa.start(
                        address,
                        TRUST_DOMAIN,
                        IssuingCa.root("O=" + TRUST_DOMAIN),
                        callers,
                        List.of(args[0]))) {
            Files.writeString(Path.of(args[2]), ca.rootPem());
            warmUp(URI.create("https://" + args[0] + ":" + args[1]), ca.rootPem());
            System.out.println("ok");
            while (System.in.read() >= 0) {
                // Nothing is expected here; only the end counts.
            }
        }
        System.exit(0);
    }

    private static NodeAuthorizer.Caller caller(String namespace, String account) {
        return new NodeAuthorizer.Caller(CLUSTER, namespace, account, account, account + "-uid");
    }

    private static void warmUp(URI address, String root) throws Exception {
        CaSettings settings =
                CaSettings.shared(
                        address, new RootSource.Pem(root), new TokenSource.Literal(NODE_TOKEN));
        try (CertificateAuthority client = new IstioCertificateAuthority(settings)) {
            for (int i = 0; i < WARM_UP_CALLS; i++) {
                client.sign("spiffe://" + TRUST_DOMAIN + "/ns/default/sa/warm-up");
            }
        }
    }
}
