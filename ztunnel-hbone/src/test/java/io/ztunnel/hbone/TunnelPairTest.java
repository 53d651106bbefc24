package io.ztunnel.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;

class TunnelPairTest {

    private final Wire wire = new Wire();
    private final Echo echo = new Echo();
    private ClientTunnel client;
    private Tunnel server;

    @BeforeEach
    void connect() {
        client = TunnelClient.install(wire.left, TunnelSettings.defaults());
        server = TunnelServer.install(wire.right, TunnelSettings.defaults(), echo);
        wire.carry();
    }

    @AfterEach
    void close() {
        wire.close();
    }

    @Test
    void bytesGoBothWaysAndEachDirectionEndsOnItsOwn() {
        Opened opened = new Opened();
        client.open(new ConnectRequest("10.0.0.1:80", "a=b", "for=x", "00-1", null), opened);
        wire.carry();

        opened.stream.write(Unpooled.copiedBuffer("hello", StandardCharsets.US_ASCII));
        opened.stream.finish();
        wire.carry();

        assertThat(echo.requests.getFirst().authority()).isEqualTo("10.0.0.1:80");
        assertThat(echo.requests.getFirst().baggage()).isEqualTo("a=b");
        assertThat(opened.stream.responseBaggage()).isEqualTo("k8s.cluster.name=Kubernetes");
        assertThat(opened.received.text()).isEqualTo("hello");
        assertThat(opened.received.events).containsExactly("data", "end", "complete");
        assertThat(client.openStreams()).isZero();
        assertThat(server.openStreams()).isZero();
    }

    @Test
    void tenMegabytesArriveInOrderHoweverTheyAreCut() {
        Opened opened = new Opened();
        client.open(ConnectRequest.to("10.0.0.1:80"), opened);
        wire.carry();
        byte[] sent = new byte[10_000_000];
        new java.util.Random(1).nextBytes(sent);

        for (int at = 0; at < sent.length; at += 100_000) {
            opened.stream.write(Unpooled.copiedBuffer(sent, at, 100_000));
            opened.stream.flush();
            wire.carry(12_345);
        }
        opened.stream.finish();
        wire.carry(12_345);

        assertThat(opened.received.bytes.toByteArray()).isEqualTo(sent);
        assertThat(opened.received.events).contains("end");
    }
}
