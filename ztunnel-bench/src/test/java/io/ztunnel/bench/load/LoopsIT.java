package io.ztunnel.bench.load;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.concurrent.TimeUnit;

/// The client loops against the echo loop, over loopback.
@Timeout(60)
class LoopsIT {
    private static final long SHORTLY = TimeUnit.MILLISECONDS.toNanos(200);
    private static final long AMPLE = TimeUnit.SECONDS.toNanos(30);

    private InetSocketAddress echo;

    @BeforeEach
    void startEcho() throws IOException {
        int port = freePort();
        Thread.ofPlatform().daemon().start(new EchoLoop(port));
        echo = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    @Test
    void requestsAreAnswered() throws IOException {
        try (RequestLoop loop = new RequestLoop(echo, 4, 1_024)) {
            String answer = loop.run(0, SHORTLY);
            assertThat(answer)
                    .startsWith("ok rate=")
                    .contains(" errors=0")
                    .doesNotContain("count=0 ");
        }
    }

    @Test
    void connectionsAreOpenedAsOftenAsAsked() throws IOException {
        try (ConnectLoop loop = new ConnectLoop(echo, false)) {
            assertThat(loop.run(4, 50, AMPLE)).contains("count=50 ").contains(" errors=0");
        }
    }

    @Test
    void heldConnectionsAreCountedOnce() throws IOException {
        try (ConnectLoop loop = new ConnectLoop(echo, true)) {
            assertThat(loop.run(8, 20, AMPLE)).contains("count=20 ").contains(" errors=0");
        }
    }

    @Test
    void refusedConnectionsAreErrorsAndDoNotRunForEver() throws IOException {
        InetSocketAddress nobody =
                new InetSocketAddress(InetAddress.getLoopbackAddress(), freePort());
        try (ConnectLoop loop = new ConnectLoop(nobody, false)) {
            assertThat(loop.run(1, 3, AMPLE)).contains("count=0 ").contains(" errors=3");
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
