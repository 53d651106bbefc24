package io.ztunnel.xds;

import org.jspecify.annotations.Nullable;

import java.net.URI;
import java.time.Duration;
import java.util.Map;

/// How a [GrpcDeltaTransport] reaches the control plane (docs/spec/control-plane.md 2.1 and 2.2).
///
/// @param address `https://<host>[:<port>]`, port 443 where none is given
/// @param trust whom to believe
/// @param secondName a server name accepted besides the host of the address
/// @param token sent as `authorization: Bearer <token>`
/// @param headers sent with each stream: `clusterid` and whatever `XDS_HEADER_<name>` adds. Names
///     are lower case
/// @param allowTls12 whether TLS 1.2 is offered besides 1.3
/// @param connectTimeout of the TCP connection
/// @param pingEvery HTTP/2 PING on a silent connection; gRPC allows no less than 10 s
/// @param pingTimeout how long a PING may stay unanswered
/// @param largestMessageBytes a larger response ends the stream
public record TransportSettings(
        URI address,
        TrustAnchors trust,
        @Nullable String secondName,
        BearerToken token,
        Map<String, String> headers,
        boolean allowTls12,
        Duration connectTimeout,
        Duration pingEvery,
        Duration pingTimeout,
        int largestMessageBytes) {

    public TransportSettings {
        if (!"https".equals(address.getScheme()) || address.getHost() == null) {
            throw new IllegalArgumentException(
                    "the address of the control plane must be https://<host>[:<port>], not "
                            + address);
        }
    }

    /// The reference's values for all that an environment does not say.
    public static TransportSettings to(
            URI address, TrustAnchors trust, BearerToken token, Map<String, String> headers) {
        return new TransportSettings(
                address,
                trust,
                null,
                token,
                Map.copyOf(headers),
                false,
                Duration.ofSeconds(5),
                Duration.ofSeconds(30),
                Duration.ofSeconds(10),
                200 << 20);
    }

    int port() {
        return address.getPort() < 0 ? 443 : address.getPort();
    }
}
