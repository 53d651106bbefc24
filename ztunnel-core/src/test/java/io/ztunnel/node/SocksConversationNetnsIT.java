package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.US_ASCII;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.HexFormat;
import java.util.List;

/// What is said to the SOCKS5 listener of a whole daemon, byte by byte (docs/spec/dataplane.md 10).
class SocksConversationNetnsIT extends SocksWorld {
    @Test
    void bytesThatFollowTheRequestAtOnceReachTheServerAlsoByteByByte() throws Exception {
        String said = "050100" + request(lab.server().ipv4(), Conversations.ECHO);
        byte[] all = HexFormat.of().parseHex(said + HexFormat.of().formatHex(bytes("at once")));
        for (int piece : new int[] {all.length, 1, 7}) {
            try (Socket socket = open()) {
                for (int at = 0; at < all.length; at += piece) {
                    socket.getOutputStream().write(all, at, Math.min(piece, all.length - at));
                }
                socket.shutdownOutput();
                assertThat(hear(socket, 12)).isEqualTo("0500" + "05000001000000000000");
                assertThat(new String(socket.getInputStream().readAllBytes(), US_ASCII))
                        .isEqualTo("at once");
            }
        }
    }

    /// The same where an answer of the resolver comes between.
    @Test
    void bytesThatFollowAHostNameAtOnceReachTheServer() throws Exception {
        String name = HexFormat.of().formatHex(bytes("localhost"));
        String port = HexFormat.of().toHexDigits((short) Conversations.ECHO);
        try (Socket socket = open()) {
            say(socket, "0501000501000309" + name + port);
            socket.getOutputStream().write(bytes("at once"));
            socket.shutdownOutput();
            assertThat(hear(socket, 12)).isEqualTo("0500" + "05000001000000000000");
            assertThat(new String(socket.getInputStream().readAllBytes(), US_ASCII))
                    .isEqualTo("at once");
        }
    }

    @Test
    void manyBytesComeBackAsTheyWent() throws Exception {
        byte[] sent = Application.bytes(4 << 20);
        try (Socket socket = connected(lab.server().ipv4(), Conversations.ECHO)) {
            Thread writer =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        try {
                                            socket.getOutputStream().write(sent);
                                            socket.shutdownOutput();
                                        } catch (IOException broken) {
                                            // The reader says what is missing.
                                        }
                                    });
            assertThat(socket.getInputStream().readAllBytes()).isEqualTo(sent);
            writer.join();
        }
    }

    @Test
    void afterTheAnswerAFailureIsOnlyAnEnd() throws Exception {
        try (Socket socket = connected(lab.server().ipv4(), 9)) {
            assertThat(ended(socket)).isTrue();
        }
        try (Socket socket = connected(LOOPBACK, 15001)) {
            assertThat(ended(socket)).isTrue();
        }
        MeshLab.eventually(
                "it says why",
                () ->
                        daemon.lines("attempted recursive call to ourselves").stream()
                                .anyMatch(line -> line.contains("dst.addr=127.0.0.1:15001")));
    }

    private static boolean ended(Socket socket) throws IOException {
        try {
            return socket.getInputStream().read() < 0;
        } catch (SocketException reset) {
            return true;
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "04", // SOCKS4
                "474554202f", // HTTP
                "160301", // TLS
                "0500", // no method
                "050102", // with a password only
                "0501000502000100000000", // BIND
                "05010005030001", // UDP ASSOCIATE
                "05010005010002", // an address of an unknown kind
                "0501000501000300" // an empty name
            })
    void whatIsNotUnderstoodIsRefusedWithSeven(String said) throws Exception {
        try (Socket socket = open()) {
            say(socket, said);
            String heard = HexFormat.of().formatHex(socket.getInputStream().readAllBytes());
            assertThat(heard).endsWith("05070001000000000000");
        }
        answers();
    }

    @Test
    void whoeverLeavesHalfWayIsAnsweredWithOne() throws Exception {
        for (String said : List.of("", "05", "0501", "050100", "05010005010001")) {
            try (Socket socket = open()) {
                say(socket, said);
                socket.shutdownOutput();
                assertThat(HexFormat.of().formatHex(socket.getInputStream().readAllBytes()))
                        .endsWith("05010001000000000000");
            }
        }
    }

    @Test
    void whoeverSaysNothingIsShownOutAndDisturbsNobody() throws Exception {
        try (Socket silent = open();
                Socket half = open()) {
            say(half, "0501");
            answers();
            for (Socket each : List.of(silent, half)) {
                assertThat(HexFormat.of().formatHex(each.getInputStream().readAllBytes()))
                        .isEqualTo("05010001000000000000");
            }
        }
        MeshLab.eventually(
                "it says why", () -> !daemon.lines("no destination within 10 s").isEmpty());
    }

    @Test
    void garbageOfManyClientsCostsOnlyThemselves() throws Exception {
        byte[] noise = Application.bytes(70_000);
        for (int i = 0; i < 200; i++) {
            try (Socket socket = open()) {
                int from = i * 300;
                socket.getOutputStream().write(noise, from, 1 + i);
                if (i % 3 == 0) {
                    socket.setSoLinger(true, 0);
                }
            } catch (SocketException reset) {
                // So it should be.
            }
        }
        answers();
        MeshLab.eventually(
                "no socket is left open",
                () -> daemon.metric("istio_tcp_sockets_open", "reporter=\"source\"") == 0);
    }

    @Test
    void itIsClosedToOthers() {
        for (InetAddress address : List.of(client.ipv4(), client.ipv6())) {
            String url = "http://" + (address.getAddress().length == 4 ? "" : "[");
            assertThat(
                            plain.namespace()
                                    .tryRun(
                                            "curl",
                                            "-sS",
                                            "--max-time",
                                            "5",
                                            "--socks5",
                                            address.getAddress().length == 4
                                                    ? address.getHostAddress() + ":" + SOCKS
                                                    : "[" + address.getHostAddress() + "]:" + SOCKS,
                                            "http://" + VIP + ":80/")
                                    .succeeded())
                    .as(url)
                    .isFalse();
        }
    }
}
