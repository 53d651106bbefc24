package io.ztunnel.feed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import com.google.protobuf.UInt32Value;

import io.ztunnel.mesh.ApplicationTunnel;
import io.ztunnel.mesh.AuthorizationPolicy;
import io.ztunnel.mesh.Cidr;
import io.ztunnel.mesh.GatewayAddress;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.LoadBalancer;
import io.ztunnel.mesh.Locality;
import io.ztunnel.mesh.NamespacedHostname;
import io.ztunnel.mesh.NetworkAddress;
import io.ztunnel.mesh.Protocol;
import io.ztunnel.mesh.StringMatch;
import io.ztunnel.xds.proto.security.Authorization;
import io.ztunnel.xds.proto.security.Clause;
import io.ztunnel.xds.proto.security.Match;
import io.ztunnel.xds.proto.security.Rule;
import io.ztunnel.xds.proto.workload.Address;
import io.ztunnel.xds.proto.workload.Service;
import io.ztunnel.xds.proto.workload.Workload;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.InetAddress;
import java.util.HexFormat;
import java.util.List;

/// The rows of docs/spec/control-plane.md 2.7: what rejects, what is dropped, what defaults.
class TranslatorsTest {
    private static io.ztunnel.mesh.Workload workload(Workload.Builder message)
            throws Untranslatable {
        return WorkloadTranslator.translate("uid", message.build());
    }

    private static io.ztunnel.mesh.Service service(Service.Builder message) throws Untranslatable {
        return ServiceTranslator.translate(message.build());
    }

    private static void rejected(Workload.Builder message, String field) {
        assertThatThrownBy(() -> workload(message))
                .isInstanceOf(Untranslatable.class)
                .hasMessageStartingWith(field + ": ");
    }

    private static void rejected(Service.Builder message, String field) {
        assertThatThrownBy(() -> service(message))
                .isInstanceOf(Untranslatable.class)
                .hasMessageStartingWith(field + ": ");
    }

    /// Sets an enum to a number it does not have: on the wire that is a plain varint.
    private static <B extends Message.Builder> B numbered(B message, int field, int number) {
        try {
            message.mergeFrom(
                    new byte[] {
                        (byte) ((field << 3 & 0x7f) | (field > 15 ? 0x80 : 0)),
                        (byte) (field > 15 ? field >> 4 : number),
                        (byte) number
                    },
                    0,
                    field > 15 ? 3 : 2);
        } catch (IOException impossible) {
            throw new AssertionError(impossible);
        }
        return message;
    }

    private static ByteString bytes(String ip) {
        return ByteString.copyFrom(InetAddress.ofLiteral(ip).getAddress());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 2, 5, 17})
    void anAddressOfAnotherLengthRejects(int length) {
        rejected(
                Workload.newBuilder().addAddresses(ByteString.copyFrom(new byte[length])),
                "addresses");
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 9})
    void legacyAndUnknownTunnelProtocolsReject(int number) {
        rejected(numbered(Workload.newBuilder(), 5, number), "tunnel_protocol");
    }

    @Test
    void unknownStatusNetworkModeAndApplicationTunnelReject() {
        rejected(numbered(Workload.newBuilder(), 17, 9), "status");
        rejected(numbered(Workload.newBuilder(), 25, 9), "network_mode");
        rejected(
                Workload.newBuilder()
                        .setApplicationTunnel(
                                numbered(
                                        io.ztunnel.xds.proto.workload.ApplicationTunnel
                                                .newBuilder(),
                                        1,
                                        9)),
                "application_tunnel.protocol");
    }

    @Test
    void anUnknownWorkloadTypeIsADeployment() throws Untranslatable {
        assertThat(workload(numbered(Workload.newBuilder(), 12, 9)).workloadType())
                .isEqualTo("deployment");
        assertThat(workload(numbered(Workload.newBuilder(), 12, 2)).workloadType())
                .isEqualTo("pod");
    }

    @Test
    void gatewaysWithoutDestinationOrWithBadBytesReject() {
        var nowhere = io.ztunnel.xds.proto.workload.GatewayAddress.newBuilder();
        rejected(Workload.newBuilder().setWaypoint(nowhere), "waypoint");
        rejected(Workload.newBuilder().setNetworkGateway(nowhere), "network_gateway");
        nowhere.getAddressBuilder().setAddress(ByteString.copyFrom(new byte[3]));
        rejected(Workload.newBuilder().setWaypoint(nowhere), "waypoint");
        rejected(Service.newBuilder().setWaypoint(nowhere.clearDestination()), "waypoint");
        rejected(
                Service.newBuilder()
                        .addWeightedWaypoints(
                                io.ztunnel.xds.proto.workload.WeightedWaypoint.newBuilder()),
                "weighted_waypoints");
    }

    @Test
    void aServicesKeyIsSplitAtItsFirstSlashAndNeedsOne() throws Untranslatable {
        var none = io.ztunnel.xds.proto.workload.PortList.getDefaultInstance();
        rejected(Workload.newBuilder().putServices("no-slash", none), "services");
        assertThat(workload(Workload.newBuilder().putServices("ns/host/x", none)).services())
                .containsOnlyKeys(new NamespacedHostname("ns", "host/x"));
    }

    @Test
    void emptyFieldsHaveDefaults() throws Untranslatable {
        var workload = workload(Workload.newBuilder());

        assertThat(workload.trustDomain()).isEqualTo("cluster.local");
        assertThat(workload.serviceAccount()).isEqualTo("default");
        assertThat(workload.clusterId()).isEqualTo("Kubernetes");
        assertThat(workload.capacity()).isEqualTo(1);
        assertThat(workload.uid()).isEmpty();
        assertThat(workload.protocol()).isEqualTo(Protocol.TCP);
        assertThat(workload.locality()).isEqualTo(Locality.UNKNOWN);
        assertThat(workload.waypoint()).isNull();
        assertThat(workload.applicationTunnel()).isNull();
        assertThat(workload.healthy()).isTrue();
    }

    @Test
    void capacityZeroIsKeptAndHugeOnesAreClamped() throws Untranslatable {
        assertThat(workload(Workload.newBuilder().setCapacity(UInt32Value.of(0))).capacity())
                .isZero();
        assertThat(workload(Workload.newBuilder().setCapacity(UInt32Value.of(-1))).capacity())
                .isEqualTo(Integer.MAX_VALUE);
    }

    @Test
    void portsLoseTheirUpperBits() throws Untranslatable {
        Workload.Builder message = Workload.newBuilder();
        message.putServices(
                "ns/host",
                io.ztunnel.xds.proto.workload.PortList.newBuilder()
                        .addPorts(
                                io.ztunnel.xds.proto.workload.Port.newBuilder()
                                        .setServicePort(80)
                                        .setTargetPort(70_000))
                        .build());
        var ports = workload(message).services().get(new NamespacedHostname("ns", "host"));
        assertThat(ports.targetOf(80)).isEqualTo(4464);
    }

    @Test
    void serviceAddressesAreExactOrRanges() throws Untranslatable {
        Service.Builder message = Service.newBuilder();
        message.addAddressesBuilder().setNetwork("n").setAddress(bytes("10.0.0.1"));
        message.addAddressesBuilder().setAddress(bytes("10.0.0.2")).setLength(32);
        message.addAddressesBuilder().setAddress(bytes("10.1.0.0")).setLength(16);
        message.addAddressesBuilder().setAddress(bytes("fd00::1")).setLength(128);
        message.addAddressesBuilder().setAddress(bytes("10.9.0.0")).setLength(256);

        var service = service(message);

        assertThat(service.vips())
                .containsExactly(
                        new NetworkAddress("n", IpAddress.parse("10.0.0.1")),
                        new NetworkAddress("", IpAddress.parse("10.0.0.2")),
                        new NetworkAddress("", IpAddress.parse("fd00::1")));
        assertThat(service.cidrVips())
                .extracting(range -> range.cidr().toString())
                .containsExactly("10.1.0.0/16", "10.9.0.0/0");
    }

    @Test
    void badServiceAddressesReject() {
        Service.Builder tooShort = Service.newBuilder();
        tooShort.addAddressesBuilder().setAddress(ByteString.copyFrom(new byte[3]));
        rejected(tooShort, "addresses");
        Service.Builder tooLong = Service.newBuilder();
        tooLong.addAddressesBuilder().setAddress(bytes("10.0.0.0")).setLength(33);
        rejected(tooLong, "addresses");
    }

    @Test
    void unknownBalancingAndFamiliesReject() {
        Service.Builder scope = Service.newBuilder();
        scope.getLoadBalancingBuilder().addRoutingPreferenceValue(0);
        rejected(scope, "load_balancing.routing_preference");
        scope.getLoadBalancingBuilder().clear().addRoutingPreferenceValue(9);
        rejected(scope, "load_balancing.routing_preference");
        scope.getLoadBalancingBuilder().clear().setModeValue(9);
        rejected(scope, "load_balancing.mode");
        scope.getLoadBalancingBuilder().clear().setHealthPolicyValue(9);
        rejected(scope, "load_balancing.health_policy");
        rejected(Service.newBuilder().setIpFamiliesValue(9), "ip_families");
    }

    @Test
    void anUnknownVisibilityIsPublic() throws Untranslatable {
        assertThat(service(Service.newBuilder().setVisibilityValue(9)).namespaceOnly()).isFalse();
        assertThat(service(Service.newBuilder().setVisibilityValue(1)).namespaceOnly()).isTrue();
    }

    @Test
    void balancingIsTranslatedWhereItIsPresent() throws Untranslatable {
        Service.Builder message = Service.newBuilder();
        assertThat(service(message).loadBalancer()).isNull();
        message.getLoadBalancingBuilder()
                .addRoutingPreferenceValue(6)
                .addRoutingPreferenceValue(1)
                .setModeValue(2)
                .setHealthPolicyValue(1);
        assertThat(service(message).loadBalancer())
                .isEqualTo(
                        new LoadBalancer(
                                List.of(LoadBalancer.Scope.NETWORK, LoadBalancer.Scope.REGION),
                                LoadBalancer.Mode.FAILOVER,
                                LoadBalancer.HealthPolicy.ALLOW_ALL));
    }

    @Test
    void applicationTunnelPortZeroKeepsThePort() throws Untranslatable {
        Workload.Builder message = Workload.newBuilder();
        message.getApplicationTunnelBuilder().setProtocolValue(1);
        assertThat(workload(message).applicationTunnel())
                .isEqualTo(new ApplicationTunnel(ApplicationTunnel.Kind.PROXY, 0));
    }

    @Test
    void unknownScopeAndActionRejectThePolicy() {
        assertThatThrownBy(
                        () ->
                                PolicyTranslator.translate(
                                        Authorization.newBuilder().setScopeValue(9).build()))
                .hasMessageStartingWith("scope: 9");
        assertThatThrownBy(
                        () ->
                                PolicyTranslator.translate(
                                        Authorization.newBuilder().setActionValue(9).build()))
                .hasMessageStartingWith("action: 9");
    }

    private static AuthorizationPolicy.Match match(int action, Match.Builder match)
            throws Untranslatable {
        Authorization message =
                Authorization.newBuilder()
                        .setActionValue(action)
                        .addRules(
                                Rule.newBuilder().addClauses(Clause.newBuilder().addMatches(match)))
                        .build();
        return PolicyTranslator.translate(message)
                .rules()
                .getFirst()
                .clauses()
                .getFirst()
                .matches()
                .getFirst();
    }

    private static Match.Builder partlyMeaningless() {
        Match.Builder match = Match.newBuilder();
        match.addPrincipalsBuilder();
        match.addPrincipalsBuilder().setExact("p");
        match.addSourceIpsBuilder().setAddress(bytes("10.0.0.0")).setLength(40);
        match.addSourceIpsBuilder().setAddress(ByteString.copyFrom(new byte[2])).setLength(8);
        match.addSourceIpsBuilder().setAddress(bytes("10.0.0.0")).setLength(8);
        return match;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void meaninglessEntriesAreDroppedOneByOne(int action) throws Untranslatable {
        var match = match(action, partlyMeaningless());
        assertThat(match.principals()).containsExactly(new StringMatch.Exact("p"));
        assertThat(match.sourceIps()).containsExactly(Cidr.parse("10.0.0.0/8"));
    }

    @Test
    void S4_droppingNeverWidensAnAllow() throws Untranslatable {
        Match.Builder lostPositives = Match.newBuilder();
        lostPositives.addPrincipalsBuilder();
        lostPositives.addSourceIpsBuilder().setAddress(bytes("10.0.0.0")).setLength(8);
        var nobody = match(0, lostPositives);
        assertThat(nobody.sourceIps()).isEmpty();
        assertThat(nobody.principals()).isEmpty();
        assertThat(match(1, lostPositives).sourceIps()).hasSize(1);

        Match.Builder lostNegative = Match.newBuilder();
        lostNegative.addNotSourceIpsBuilder().setAddress(bytes("10.0.0.0")).setLength(40);
        lostNegative.addNotSourceIpsBuilder().setAddress(bytes("10.1.0.0")).setLength(16);
        lostNegative.addDestinationPorts(80);
        assertThat(match(0, lostNegative).destinationPorts()).isEmpty();
        assertThat(match(1, lostNegative).notSourceIps()).hasSize(1);
    }

    @Test
    void aMappedRangeIsAnIpv4Range() throws Untranslatable {
        Match.Builder match = Match.newBuilder();
        byte[] mapped = new byte[16];
        mapped[10] = (byte) 0xff;
        mapped[11] = (byte) 0xff;
        mapped[12] = 10;
        match.addSourceIpsBuilder().setAddress(ByteString.copyFrom(mapped)).setLength(104);
        assertThat(match(0, match).sourceIps()).containsExactly(Cidr.parse("10.0.0.0/8"));
    }

    /// docs/spec/control-plane.md 1.8.
    @Test
    void theByteVectorsOfTheSpecification() throws IOException, Untranslatable {
        var strict =
                PolicyTranslator.translate(
                        Authorization.parseFrom(
                                hex(
                                        "0a1d697374696f5f636f6e7665727465645f7374617469635f737472696374"
                                            + "120c697374696f2d73797374656d180220012a080a0612"
                                            + "0422022200")));
        assertThat(strict.key()).isEqualTo("istio-system/istio_converted_static_strict");
        assertThat(strict.action()).isEqualTo(AuthorizationPolicy.Action.DENY);
        assertThat(strict.rules().getFirst().clauses().getFirst().matches().getFirst())
                .extracting(AuthorizationPolicy.Match::notPrincipals)
                .isEqualTo(List.of(new StringMatch.Presence()));

        Address address =
                Address.parseFrom(
                        hex(
                                "12700a06736572766572120464656d6f1a1d7365727665722e64656d6f2e737663"
                                        + "2e636c75737465722e6c6f63616c220612040a6000142a070850"
                                        + "10903f18013a2c0a270a0464656d6f121f776179706f696e742e"
                                        + "64656d6f2e7376632e636c75737465722e6c6f63616c18a07548"
                                        + "015801"));
        var server = ServiceTranslator.translate(address.getService());
        assertThat(server.key().toString()).isEqualTo("demo/server.demo.svc.cluster.local");
        assertThat(server.vips())
                .containsExactly(new NetworkAddress("", IpAddress.parse("10.96.0.20")));
        assertThat(server.waypoint())
                .isEqualTo(
                        new GatewayAddress(
                                new NamespacedHostname("demo", "waypoint.demo.svc.cluster.local"),
                                15008));
        assertThat(server.canonical()).isTrue();
    }

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text);
    }
}
