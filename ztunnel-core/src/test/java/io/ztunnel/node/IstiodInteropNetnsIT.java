package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.Redirection;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;

/// Our daemons live from somebody else's control plane.
///
/// `ZTUNNEL_ISTIOD_COMMAND` starts one: it reads Kubernetes objects from the file that the variable
/// `LIVE_OBJECTS` names, again whenever it changes, serves delta xDS over TLS on `LIVE_LISTEN` and
/// writes the certificate to trust it by to `LIVE_ROOT`, another one at each start. Without the
/// variable there is nobody to talk with, and what istiod once said is replayed instead
/// (`ReplayIT` in `ztunnel-xds`).
@Tag("peer")
@Timeout(300)
class IstiodInteropNetnsIT {
    private static final String VARIABLE = "ZTUNNEL_ISTIOD_COMMAND";
    private static final String LISTEN = MeshLab.CA.getHostAddress() + ":15010";

    @TempDir Path folder;

    @Test
    void workloadsPoliciesRestartsAndLookups() throws Exception {
        String command = System.getenv(VARIABLE);
        Assumptions.assumeTrue(command != null, VARIABLE + " is not set");
        try (MeshLab lab = new MeshLab(folder, Redirection.iptables());
                ServerSocketChannel _ =
                        Application.serve(
                                lab.server().namespace(), Conversations.ECHO, Application::echo)) {
            List<Pod> pods = List.of(lab.client(), lab.server());
            objects(pods, "");
            Process istiod = istiod(lab, command);
            DaemonProcess client = daemon(lab, lab.client());
            DaemonProcess server = daemon(lab, lab.server());
            Conversations talk = new Conversations(lab.client().namespace(), lab.server().ipv4());

            talk.roundTrip();
            MeshLab.eventually("a line", () -> !client.lines("connection complete").isEmpty());
            assertThat(client.lines("connection complete").getFirst())
                    .contains(
                            "src.identity=\"spiffe://cluster.local/ns/default/sa/client\"",
                            "dst.identity=\"spiffe://cluster.local/ns/default/sa/server\"");
            new Conversations(lab.client().namespace(), lab.server().ipv6()).roundTrip();

            objects(pods, denyFrom("client"));
            MeshLab.eventually("denied", () -> refuses(talk));
            MeshLab.eventually(
                    "the policy is named", () -> !server.lines("default/no-client").isEmpty());
            objects(pods, denyFrom("somebody-else"));
            MeshLab.eventually("allowed again", () -> !refuses(talk));
            objects(pods, "");

            // Gone, and nobody notices; back, and the stream is taken up again.
            istiod.destroyForcibly().waitFor();
            MeshLab.eventually(
                    "noticed",
                    () -> !client.lines("the stream to the control plane ended").isEmpty());
            talk.roundTrip();
            objects(pods, denyFrom("client"));
            Process again = istiod(lab, command);
            MeshLab.eventually("the restarted one is heard", () -> refuses(talk));
            objects(pods, "");
            MeshLab.eventually("and heard again", () -> !refuses(talk));
            again.destroyForcibly().waitFor();
            assertThat(client.process().isAlive()).isTrue();
            assertThat(server.process().isAlive()).isTrue();
        }
    }

    @Test
    void onDemand() throws Exception {
        String command = System.getenv(VARIABLE);
        Assumptions.assumeTrue(command != null, VARIABLE + " is not set");
        try (MeshLab lab = new MeshLab(folder, Redirection.iptables());
                ServerSocketChannel _ =
                        Application.serve(
                                lab.server().namespace(), Conversations.ECHO, Application::echo)) {
            objects(List.of(lab.client(), lab.server()), "");
            Process istiod = istiod(lab, command);
            DaemonProcess client = daemon(lab, lab.client(), "XDS_ON_DEMAND=true");
            daemon(lab, lab.server(), "XDS_ON_DEMAND=true");
            new Conversations(lab.client().namespace(), lab.server().ipv4()).roundTrip();
            MeshLab.eventually("a line", () -> !client.lines("connection complete").isEmpty());
            assertThat(client.lines("connection complete").getFirst())
                    .contains("dst.identity=\"spiffe://cluster.local/ns/default/sa/server\"");
            istiod.destroyForcibly().waitFor();
        }
    }

    private DaemonProcess daemon(MeshLab lab, Pod pod, String... more) {
        String[] all = new String[more.length + 5];
        System.arraycopy(more, 0, all, 5, more.length);
        all[0] = "LOCAL_XDS_PATH=";
        all[1] = "XDS_ADDRESS=https://" + LISTEN;
        all[4] = "XDS_ROOT_CA=" + folder.resolve("istiod.pem");
        all[2] = "CLUSTER_ID=Kubernetes";
        all[3] = "NODE_NAME=" + node(pod);
        return lab.daemon(pod, DaemonProcess.ours(), all);
    }

    private Process istiod(MeshLab lab, String command) {
        Process process =
                lab.fabric()
                        .start(
                                List.of("sh", "-c", "exec " + command),
                                Map.of(
                                        "LIVE_OBJECTS",
                                        folder.resolve("objects.yaml").toString(),
                                        "LIVE_ROOT",
                                        folder.resolve("istiod.pem").toString(),
                                        "LIVE_LISTEN",
                                        LISTEN),
                                folder.resolve("istiod.log").toFile());
        MeshLab.eventually(
                "the control plane listens",
                () ->
                        lab.fabric()
                                .tryRun("sh", "-c", "ss -Hltn 'sport = :15010' | grep -q 15010")
                                .succeeded());
        return process;
    }

    private static String node(Pod pod) {
        return pod.name().equals("client") ? "node-1" : "node-2";
    }

    private void objects(List<Pod> pods, String more) {
        StringBuilder text = new StringBuilder(FRAME);
        pods.forEach(pod -> text.append(pod(pod)));
        text.append(more);
        try {
            Path next = folder.resolve("objects.next");
            Files.writeString(next, text);
            Files.move(next, folder.resolve("objects.yaml"), StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    private static final String FRAME =
            """
            apiVersion: v1
            kind: Namespace
            metadata:
              name: istio-system
            ---
            apiVersion: v1
            kind: Namespace
            metadata:
              name: default
              labels:
                istio.io/dataplane-mode: ambient
            ---
            apiVersion: v1
            kind: Node
            metadata:
              name: node-1
            ---
            apiVersion: v1
            kind: Node
            metadata:
              name: node-2
            ---
            apiVersion: v1
            kind: Service
            metadata:
              namespace: default
              name: echo
            spec:
              clusterIP: 10.96.0.10
              clusterIPs: [10.96.0.10]
              selector:
                app: server
              ports:
              - name: tcp
                port: 7
                protocol: TCP
            ---
            """;

    private static String pod(Pod pod) {
        return """
        apiVersion: v1
        kind: Pod
        metadata:
          namespace: default
          name: %1$s
          labels:
            app: %1$s
          annotations:
            ambient.istio.io/redirection: enabled
        spec:
          nodeName: %2$s
          serviceAccountName: %1$s
          containers:
          - name: app
            image: app
        status:
          phase: Running
          podIP: %3$s
          podIPs:
          - ip: "%3$s"
          - ip: "%4$s"
          conditions:
          - type: Ready
            status: "True"
        ---
        """
                .formatted(
                        pod.name(),
                        node(pod),
                        pod.ipv4().getHostAddress(),
                        pod.ipv6().getHostAddress());
    }

    private static String denyFrom(String account) {
        return """
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata:
          namespace: default
          name: no-client
        spec:
          action: DENY
          rules:
          - from:
            - source:
                principals: ["cluster.local/ns/default/sa/%s"]
        """
                .formatted(account);
    }

    private static boolean refuses(Conversations talk) {
        try {
            talk.roundTrip();
            return false;
        } catch (Exception | AssertionError refused) {
            return true;
        }
    }
}
