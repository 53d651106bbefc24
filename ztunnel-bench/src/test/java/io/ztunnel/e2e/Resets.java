package io.ztunnel.e2e;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ztunnel.node.Conversations;

import java.net.Socket;
import java.net.SocketException;

/// The strict form of "no": not an end that a client could take for an empty answer.
final class Resets {
    private Resets() {}

    /// A client that has written finds its connection reset (ECONNRESET).
    static void isReset(Conversations talk) {
        assertThatThrownBy(
                        () -> {
                            try (Socket socket = talk.open()) {
                                socket.getOutputStream().write(new byte[5]);
                                socket.getInputStream().read();
                            }
                        })
                .isInstanceOf(SocketException.class)
                .hasMessageContaining("reset");
    }
}
