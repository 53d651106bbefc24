package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

import java.io.InputStream;
import java.net.ConnectException;
import java.net.Socket;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;

/// Daemons with a SOCKS5 listener that end, one after the other (docs/spec/dataplane.md 13.10).
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SocksShutdownNetnsIT extends SocksWorld {
    @Test
    @Order(1)
    void row137_aDrainingDaemonStaysForItsIdleConnectionAndNoLonger() throws Exception {
        try (Socket idle = connected(lab.server().ipv4(), Conversations.ECHO)) {
            Conversations.roundTrip(idle, "before");
            daemon.process().destroy();
            MeshLab.eventually("it drains", () -> !daemon.lines("draining").isEmpty());
            Conversations.roundTrip(idle, "meanwhile");
            assertThat(daemon.process().isAlive()).isTrue();
        }
        assertThat(daemon.process().waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(daemon.process().exitValue()).isZero();
        assertThat(daemon.lines("drain deadline reached")).isEmpty();
    }

    @Test
    @Order(2)
    void row138_aConnectionThatIsStillBeingSetUpEndsAtTheDeadline() throws Exception {
        daemon =
                lab.daemon(
                        client,
                        DaemonProcess.ours(),
                        "UNSTABLE_ENABLE_SOCKS5=true",
                        "CONNECTION_TERMINATION_DEADLINE=1s");
        try (Socket socket = open()) {
            say(socket, "050100");
            assertThat(hear(socket, 2)).isEqualTo("0500");
            daemon.process().destroy();
            InputStream in = socket.getInputStream();
            assertThat(in.read()).isEqualTo(-1);
            assertThat(daemon.process().waitFor(60, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(daemon.process().exitValue()).isZero();
    }

    @Test
    @Order(3)
    void row139_quitquitquitEndsIt_andWithoutTheDnsProxyNamesAreRefused() throws Exception {
        daemon = lab.daemon(client, DaemonProcess.ours(), "UNSTABLE_ENABLE_SOCKS5=true");
        try (Socket socket = open()) {
            say(socket, "0501000501000309" + HexFormat.of().formatHex(bytes("localhost")) + "0050");
            assertThat(hear(socket, 12)).isEqualTo("0500" + "05070001000000000000");
        }
        assertThat(
                        client.namespace()
                                .tryRun(
                                        "curl",
                                        "-sS",
                                        "-o",
                                        "/dev/null",
                                        "-w",
                                        "%{http_code}",
                                        "-X",
                                        "POST",
                                        "http://127.0.0.1:15000/quitquitquit")
                                .output())
                .isEqualTo("200");
        assertThat(daemon.process().waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(daemon.process().exitValue()).isZero();
    }

    @Test
    @Order(4)
    void byDefaultNobodyListens() throws Exception {
        daemon = lab.daemon(client, DaemonProcess.ours());
        assertThatThrownBy(SocksWorld::open).isInstanceOf(ConnectException.class);
    }

    @Test
    @Order(5)
    void row135_anEarlyShutdownEndsWithoutError() throws Exception {
        daemon.process().destroy();
        assertThat(daemon.process().waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(daemon.process().exitValue()).isZero();
    }
}
