package io.ztunnel.feed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ztunnel.mesh.ApplicationTunnel;
import io.ztunnel.mesh.AuthorizationPolicy.Match;
import io.ztunnel.mesh.Endpoints.Purpose;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.LoadBalancer;
import io.ztunnel.mesh.MeshDelta;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.NetworkAddress;
import io.ztunnel.mesh.Protocol;
import io.ztunnel.mesh.Service;
import io.ztunnel.mesh.ServiceEntry;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.mesh.StringMatch;
import io.ztunnel.mesh.Workload;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/// docs/spec/control-plane.md 3.
class LocalFileTest {
    private static final String TWO_WORKLOADS =
            """
            workloads:
            - uid: cluster1//v1/Pod/default/local
              name: local
              namespace: default
              serviceAccount: default
              workloadIps: ["127.0.0.1"]
              protocol: HBONE
              node: local
              network: ""
              authorizationPolicies: ["default/deny-9999"]
              services:
                "default/example.com":
                  80: 8080
                "default/example2.com":
                  80: 8080
            - uid: cluster1//v1/Pod/default/remote
              name: remote
              namespace: default
              workloadIps: ["127.0.0.2"]
              protocol: TCP
              node: local
              services:
                "default/example.com": {80: 8080}
                "default/example2.com": {80: 8080}
            policies:
            - name: deny-9999
              namespace: default
              scope: WorkloadSelector
              action: Allow
              dryRun: false
              rules:
              - - - notDestinationPorts: [9999]
            services:
            - name: example
              namespace: default
              hostname: example.com
              vips: ["/127.10.0.1"]
              ports: {80: 8080}
              subjectAltNames: ["spiffe://cluster.local/ns/default/sa/local"]
            - name: example2
              namespace: default
              hostname: example2.com
              vips: ["remote/127.10.0.2"]
              ports: {80: 8080}
            """;

    @TempDir private Path directory;

    private static MeshSnapshot mesh(String yaml) throws LocalFileProblem {
        MeshDelta delta = new MeshDelta(MeshSnapshot.empty(), "local");
        LocalFileContent.parse("mesh.yaml", yaml).replace(LocalFileContent.NONE, delta);
        return delta.apply();
    }

    private static Workload drawn(MeshSnapshot mesh, ServiceEntry service) {
        Workload client = mesh.workloadByAddress("", IpAddress.parse("127.0.0.1"));
        return service.endpoints()
                .draw(service.service(), client, 80, Purpose.STANDARD, new SplittableRandom(1));
    }

    @Test
    void theExampleOfTheReferenceResolves() throws LocalFileProblem {
        MeshSnapshot mesh = mesh(TWO_WORKLOADS);

        Workload local = mesh.workloadByAddress("", IpAddress.parse("127.0.0.1"));
        ServiceEntry first = mesh.serviceByAddress("", IpAddress.parse("127.10.0.1"), "default");
        ServiceEntry second =
                mesh.serviceByAddress("remote", IpAddress.parse("127.10.0.2"), "default");

        assertThat(local.serviceAccount()).isEqualTo("default");
        assertThat(local.protocol()).isEqualTo(Protocol.HBONE);
        assertThat(first.identities())
                .containsExactly(new SpiffeId("cluster.local", "default", "local"));
        assertThat(first.portsOf(drawn(mesh, first)).targetOf(80)).isEqualTo(8080);
        assertThat(second.portsOf(drawn(mesh, second)).targetOf(80)).isEqualTo(8080);
        assertThat(mesh.policy("default/deny-9999").rules()).hasSize(1);
        assertThat(mesh.localWorkload("local", "default", "default")).isSameAs(local);
    }

    @Test
    void whatIsLeftOutIsAsFromTheControlPlane() throws LocalFileProblem {
        Workload workload =
                LocalFileContent.parse(
                                "f",
                                "workloads: [{workloadIps: [], namespace: n, name: p, services:"
                                        + " {}}]")
                        .workloads()
                        .getFirst();

        assertThat(workload.uid()).isEqualTo("Kubernetes//Pod/n/p");
        assertThat(workload.identity()).isEqualTo(new SpiffeId("cluster.local", "n", "default"));
        assertThat(workload.clusterId()).isEqualTo("Kubernetes");
        assertThat(workload.protocol()).isEqualTo(Protocol.TCP);
        assertThat(workload.capacity()).isEqualTo(1);
        assertThat(workload.healthy()).isTrue();
    }

    @Test
    void everyKeyOfAWorkloadIsRead() throws LocalFileProblem {
        Workload workload =
                LocalFileContent.parse(
                                "f",
                                """
                                workloads:
                                - workloadIps: ["10.0.0.1", "2001:db8::1"]
                                  namespace: n
                                  services: {}
                                  uid: u
                                  trustDomain: td
                                  clusterId: c
                                  network: net
                                  networkMode: HostNetwork
                                  hostname: h.example
                                  waypoint: {destination: net/10.0.0.9, hboneMtlsPort: 15008}
                                  networkGateway: {destination: n/gw.example, hboneMtlsPort: 15009}
                                  nativeTunnel: true
                                  applicationTunnel: {protocol: PROXY, port: 15088}
                                  status: Unhealthy
                                  locality: {region: r, zone: z, subzone: s}
                                  workloadName: wn
                                  workloadType: deployment
                                  canonicalName: cn
                                  canonicalRevision: cr
                                  capacity: 4294967295
                                """)
                        .workloads()
                        .getFirst();

        assertThat(workload.addresses()).hasSize(2);
        assertThat(workload.hostNetwork()).isTrue();
        assertThat(workload.nativeTunnel()).isTrue();
        assertThat(workload.healthy()).isFalse();
        assertThat(workload.waypoint().destination())
                .isEqualTo(new NetworkAddress("net", IpAddress.parse("10.0.0.9")));
        assertThat(workload.networkGateway().destination()).hasToString("n/gw.example");
        assertThat(workload.applicationTunnel())
                .isEqualTo(new ApplicationTunnel(ApplicationTunnel.Kind.PROXY, 15088));
        assertThat(workload.locality().subzone()).isEqualTo("s");
        assertThat(workload.capacity()).isEqualTo(-1);
        assertThat(workload.workloadType()).isEqualTo("deployment");
    }

    @Test
    void everyKeyOfAServiceIsRead() throws LocalFileProblem {
        LocalFileContent content =
                LocalFileContent.parse(
                        "f",
                        """
                        workloads: [{uid: u, workloadIps: [10.0.0.1], namespace: n, services: {}}]
                        services:
                        - name: s
                          namespace: n
                          hostname: s.example
                          vips: ["/10.1.0.1"]
                          ports: {80: 0}
                          cidrVips: [{network: net, cidr: 10.2.0.0/16}]
                          endpoints: {u: {workloadUid: u, port: {80: 81}, status: Healthy}}
                          waypoint: {destination: n/w, hboneMtlsPort: 15008}
                          weightedWaypoints:
                          - {destination: {destination: n/v, hboneMtlsPort: 15008}, weight: 7}
                          loadBalancer:
                            routingPreferences: [Network, Region, Zone, Subzone, Node, Cluster]
                            mode: Failover
                            healthPolicy: AllowAll
                          ipFamilies: Dual
                          canonical: true
                          visibility: Namespace
                        """);
        Service service = content.services().getFirst();

        assertThat(service.cidrVips()).hasSize(1);
        assertThat(service.weightedWaypoints().getFirst().weight()).isEqualTo(7);
        assertThat(service.loadBalancer().mode()).isEqualTo(LoadBalancer.Mode.FAILOVER);
        assertThat(service.loadBalancer().routingPreferences()).hasSize(6);
        assertThat(service.ipFamilies()).isEqualTo(Service.IpFamilies.DUAL);
        assertThat(service.canonical()).isTrue();
        assertThat(service.namespaceOnly()).isTrue();
        assertThat(content.workloads().getFirst().services().get(service.key()).targetOf(80))
                .isEqualTo(81);
    }

    @Test
    void matchersAreTaggedOrMapsOfOneKey() throws LocalFileProblem {
        Match match =
                LocalFileContent.parse(
                                "f",
                                """
                                policies:
                                - name: p
                                  namespace: n
                                  scope: Global
                                  action: Deny
                                  dryRun: true
                                  rules:
                                  - - - namespaces: [!Exact a, !Prefix b, !Suffix c, !Presence []]
                                        notPrincipals: [{Exact: d}, {Presence: []}]
                                        serviceAccounts: [{namespace: n, serviceAccount: s}]
                                        sourceIps: [10.0.0.0/8]
                                        somethingNew: [1]
                                """)
                        .policies()
                        .getFirst()
                        .rules()
                        .getFirst()
                        .clauses()
                        .getFirst()
                        .matches()
                        .getFirst();

        assertThat(match.namespaces())
                .containsExactly(
                        new StringMatch.Exact("a"),
                        new StringMatch.Prefix("b"),
                        new StringMatch.Suffix("c"),
                        new StringMatch.Presence());
        assertThat(match.notPrincipals())
                .containsExactly(new StringMatch.Exact("d"), new StringMatch.Presence());
        assertThat(match.serviceAccounts()).hasSize(1);
        assertThat(match.sourceIps()).hasSize(1);
    }

    @ParameterizedTest(name = "{1}")
    @CsvSource(
            delimiter = '|',
            value = {
                "protocol: UDP | mesh.yaml:6: workloads[0].protocol: expected one of HBONE, TCP",
                "protocoll: TCP | mesh.yaml:6: workloads[0].protocoll: unknown key",
                "capacity: -1 | mesh.yaml:6: workloads[0].capacity: -1 is not within 0 and"
                        + " 4294967295",
                "locality: {region: r} | mesh.yaml:6: workloads[0].locality: missing key zone",
                "name: twice | mesh.yaml:6: workloads[0].name: key given twice",
                "waypoint: {destination: nowhere, hboneMtlsPort: 1} | mesh.yaml:6:"
                        + " workloads[0].waypoint.destination: expected <namespace>/<hostname>, not"
                        + " nowhere",
                "status: [ | mesh.yaml:7: while"
            })
    void aComplaintNamesFileLineAndKey(String line, String expected) {
        String yaml =
                """
                workloads:
                - workloadIps: [10.0.0.1]
                  namespace: n
                  name: w
                  services: {}
                """
                        + "  "
                        + line
                        + "\n";

        if (expected.endsWith("while")) {
            assertThatThrownBy(() -> LocalFileContent.parse("mesh.yaml", yaml))
                    .isInstanceOf(LocalFileProblem.class)
                    .hasMessageStartingWith("mesh.yaml:7: ");
        } else {
            assertThatThrownBy(() -> LocalFileContent.parse("mesh.yaml", yaml))
                    .isInstanceOf(LocalFileProblem.class)
                    .hasMessage(expected);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "workloads: [{workloadIps: [300.0.0.1], namespace: n, services: {}}] |"
                        + " workloads[0].workloadIps[0]",
                "workloads: [{workloadIps: [], namespace: n, services: {x: {}}}] |"
                        + " workloads[0].services.x",
                "services: [{name: s, namespace: n, hostname: h, vips: [10.0.0.1], ports: {}}] |"
                        + " services[0].vips[0]",
                "services: [{name: s, namespace: n, hostname: h, vips: [], ports: {80: 65536}}] |"
                        + " services[0].ports.80",
                "policies: [{name: p, namespace: n, scope: Global, action: Audit, dryRun: no}] |"
                        + " policies[0].action"
            })
    void keysOfComplaints(String yaml, String key) {
        assertThatThrownBy(() -> LocalFileContent.parse("f", yaml))
                .isInstanceOfSatisfying(
                        LocalFileProblem.class,
                        problem -> {
                            assertThat(problem.key()).isEqualTo(key);
                            assertThat(problem.line()).isEqualTo(1);
                        });
    }

    @Test
    void anEmptyFileIsAnEmptyMesh() throws LocalFileProblem {
        assertThat(LocalFileContent.parse("f", "")).isEqualTo(LocalFileContent.NONE);
        assertThat(LocalFileContent.parse("f", "# nothing\n")).isEqualTo(LocalFileContent.NONE);
    }

    @Test
    void aChangedFileIsReadAndABadOneLeavesTheLastGoodState() throws IOException, LocalFileProblem {
        Path file = directory.resolve("mesh.yaml");
        Files.writeString(file, TWO_WORKLOADS);
        List<LocalFileContent> seen = new ArrayList<>();
        List<Exception> problems = new ArrayList<>();
        LocalFileFeed feed = new LocalFileFeed(file, seen::add, problems::add);

        feed.load();
        feed.look();
        assertThat(seen).hasSize(1);

        Files.writeString(file, "workloads: nonsense\n");
        feed.look();
        feed.look();
        assertThat(seen).hasSize(1);
        assertThat(problems).singleElement().asString().contains("mesh.yaml:1: workloads");

        Files.delete(file);
        feed.look();
        feed.look();
        assertThat(problems).hasSize(2);

        Files.writeString(file, "workloads: []\n");
        feed.look();
        assertThat(seen).hasSize(2);
        MeshDelta first = new MeshDelta(MeshSnapshot.empty(), "");
        seen.get(0).replace(LocalFileContent.NONE, first);
        MeshDelta second = new MeshDelta(first.apply(), "");
        seen.get(1).replace(seen.get(0), second);
        assertThat(second.apply().workloadCount()).isZero();
        assertThat(second.apply().serviceCount()).isZero();
        assertThat(second.apply().policyCount()).isZero();
    }

    @Test
    void aFirstVersionThatIsBadEndsTheStart() throws IOException {
        Path file = directory.resolve("mesh.yaml");
        Files.writeString(file, "workloads: 7\n");
        LocalFileFeed feed = new LocalFileFeed(file, _ -> {}, _ -> {});

        assertThatThrownBy(feed::load).isInstanceOf(LocalFileProblem.class);
    }

    @Test
    void aFileThatIsNoTextIsNamedAndSoIsOneThatBecomesUnreadable()
            throws IOException, LocalFileProblem {
        Path file = directory.resolve("mesh.yaml");
        Files.write(file, new byte[] {'a', (byte) 0xff, (byte) 0xfe});
        List<Exception> problems = new ArrayList<>();
        LocalFileFeed feed = new LocalFileFeed(file, _ -> {}, problems::add);

        assertThatThrownBy(feed::load)
                .hasMessage("LOCAL_XDS_PATH=" + file + ": cannot be read: not UTF-8 text");

        Files.writeString(file, "workloads: []\n");
        feed.load();
        Files.delete(file);
        feed.look();
        assertThat(problems)
                .singleElement()
                .extracting(Throwable::getMessage)
                .isEqualTo("LOCAL_XDS_PATH=" + file + ": no such file; correct or unset it");
    }
}
