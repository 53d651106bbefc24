package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.testkit.Pod;
import io.ztunnel.testkit.Redirection;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Path;

/// From `USER_TIMEOUT_ENABLED` and its companions to the socket: a destination that acknowledges
/// nothing more is given up after time + retries × interval (docs/spec/dataplane.md 13, row 131).
@Tag("netns")
@Timeout(180)
class SilentPeerNetnsIT {
    @TempDir Path folder;

    private NodeLab lab;
    private NodeDaemon node;
    private Pod client;
    private Pod plain;
    private AutoCloseable echo;

    @BeforeEach
    void build() throws IOException {
        lab = new NodeLab(folder, Redirection.nft());
        node = lab.node("node-1");
        client = lab.captured(node, "client");
        plain = lab.plain(node, "plain");
        lab.mesh("");
        echo = Application.serve(plain.namespace(), Conversations.ECHO, Application::echo);
    }

    @AfterEach
    void remove() throws Exception {
        echo.close();
        lab.close();
    }

    /// Whether the connection ends within ten seconds of its destination's last word.
    private boolean endsAfterSilence(String enabled) throws Exception {
        node.start(
                new String[] {
                    "USER_TIMEOUT_ENABLED=" + enabled,
                    "KEEPALIVE_TIME=1s",
                    "KEEPALIVE_INTERVAL=1s",
                    "KEEPALIVE_RETRIES=2"
                },
                client);
        try (Socket socket =
                Application.connect(client.namespace(), plain.ipv4(), Conversations.ECHO)) {
            Conversations.roundTrip(socket, "before");
            plain.namespace().run("iptables", "-A", "INPUT", "-p", "tcp", "-j", "DROP");
            socket.getOutputStream().write('?');
            socket.setSoTimeout(10_000);
            return socket.getInputStream().read() < 0;
        } catch (SocketTimeoutException stillThere) {
            return false;
        } catch (IOException reset) {
            return true;
        }
    }

    @Test
    void row131_userTimeoutOfTheSettingsEndsWhatIsNotAcknowledged() throws Exception {
        assertThat(endsAfterSilence("true")).isTrue();
    }

    /// While bytes are on their way the kernel sends no probes, so without it nothing notices.
    @Test
    void withoutItTheKernelGoesOnRepeating() throws Exception {
        assertThat(endsAfterSilence("false")).isFalse();
    }
}
