package io.ztunnel.outbound;

import static io.ztunnel.testkit.MeshKit.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.hbone.ConnectRequest;
import io.ztunnel.mesh.Service;

import org.junit.jupiter.api.Test;

import java.net.InetSocketAddress;

/// docs/spec/dataplane.md 13.1, rows 28 to 32.
class ConnectHeadersTest {
    private static final Service EXAMPLE = mesh().service("example.com").build();

    private static ConnectRequest request(String source, Service service, String network) {
        return OutboundDialer.connect(
                "10.0.0.1:80",
                "k8s.cluster.name=c",
                new InetSocketAddress(source, 80),
                service,
                "00-trace",
                network);
    }

    @Test
    void row28_forwardedNamesTheClient() {
        assertThat(request("127.0.0.1", null, null).forwarded()).isEqualTo("for=\"127.0.0.1:80\"");
    }

    @Test
    void row29_anIpv6ClientStandsInBrackets() {
        assertThat(request("::1", null, null).forwarded()).isEqualTo("for=\"[::1]:80\"");
    }

    @Test
    void row30_theServiceIsTheHost() {
        assertThat(request("127.0.0.1", EXAMPLE, null).forwarded())
                .isEqualTo("for=\"127.0.0.1:80\";host=example.com");
    }

    @Test
    void row31_aSingleTunnelSaysNothingOfNetworks() {
        assertThat(request("127.0.0.1", EXAMPLE, null).forwardedNetwork()).isNull();
    }

    @Test
    void row32_theInnerTunnelNamesOurNetworkAlsoWhereItIsEmpty() {
        assertThat(request("127.0.0.1", EXAMPLE, "test-network").forwardedNetwork())
                .isEqualTo("test-network");
        assertThat(request("127.0.0.1", EXAMPLE, "").forwardedNetwork()).isEmpty();
    }
}
