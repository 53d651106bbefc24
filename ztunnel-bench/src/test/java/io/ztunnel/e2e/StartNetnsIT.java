package io.ztunnel.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.node.Application;
import io.ztunnel.node.DaemonProcess;
import io.ztunnel.node.MeshLab;
import io.ztunnel.testkit.Redirection;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/// Daemons that must not start: they say all that is wrong, where, and end with 1, never having
/// been ready.
@Tag("netns")
@Timeout(120)
class StartNetnsIT {
    @TempDir static Path folder;

    private static MeshLab lab;

    @BeforeAll
    static void build() {
        lab = new MeshLab(folder, Redirection.nft());
    }

    @AfterAll
    static void remove() {
        lab.close();
    }

    private static DaemonProcess refusesToStart(String... more) throws InterruptedException {
        DaemonProcess daemon = lab.starting(lab.server(), DaemonProcess.ours(), more);
        assertThat(daemon.process().waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(daemon.process().exitValue()).as(daemon.tail()).isEqualTo(1);
        assertThat(daemon.lines("\treadiness\tready")).isEmpty();
        return daemon;
    }

    @Test
    void allWrongSettingsAreToldAtOnce() throws Exception {
        DaemonProcess daemon =
                refusesToStart(
                        "PROXY_MODE=both",
                        "PACKET_MARK=many",
                        "KEEPALIVE_TIME=soon",
                        "HTTP2_FRAME_SIZE=1");
        assertThat(daemon.lines("Error: "))
                .anyMatch(line -> line.contains("PROXY_MODE=both"))
                .anyMatch(line -> line.contains("PACKET_MARK=many"))
                .anyMatch(line -> line.contains("KEEPALIVE_TIME=soon"))
                .anyMatch(line -> line.contains("HTTP2_FRAME_SIZE"));
    }

    /// An environment holds other people's variables, too, hence only a warning.
    @Test
    void aMisspelledSettingIsWarnedOf() {
        DaemonProcess daemon =
                lab.daemon(lab.client(), DaemonProcess.ours(), "ENABLE_ORIGSRC=false");
        assertThat(daemon.lines("unknown env var ENABLE_ORIGSRC: did you mean ENABLE_ORIG_SRC?"))
                .hasSize(1);
        daemon.process().destroyForcibly();
    }

    @Test
    void aMalformedLocalFileIsNamedWithTheLine() throws Exception {
        Path file = folder.resolve("malformed.yaml");
        Files.writeString(
                file,
                """
                workloads:
                - uid: a
                  name: a
                  namespace: b
                  workloadIps: []
                  services: {}
                  color: red
                """);
        DaemonProcess daemon = refusesToStart("LOCAL_XDS_PATH=" + file);
        assertThat(daemon.lines("Error: ")).singleElement().asString().contains(file + ":7: ");
        // Each sentence once, not once for each layer that passed it on.
        assertThat(daemon.lines("caused by: ")).isEmpty();
    }

    @Test
    void aLocalFileThatIsNotThereIsNamed() throws Exception {
        Path file = folder.resolve("missing.yaml");
        DaemonProcess daemon = refusesToStart("LOCAL_XDS_PATH=" + file);
        assertThat(daemon.lines("Error: LOCAL_XDS_PATH=" + file + ": no such file")).hasSize(1);
    }

    @Test
    void aLocalFileThatIsNoTextIsNamed() throws Exception {
        Path file = folder.resolve("binary.yaml");
        Files.write(file, new byte[] {(byte) 0xff, (byte) 0xfe});
        DaemonProcess daemon = refusesToStart("LOCAL_XDS_PATH=" + file);
        assertThat(daemon.lines("Error: LOCAL_XDS_PATH=" + file + ": cannot be read: not UTF-8"))
                .hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {15001, 15006, 15008, 15000, 15020, 15021})
    void row136_aPortThatIsTakenEndsTheStart(int port) throws Exception {
        try (ServerSocketChannel _ =
                Application.serve(lab.server().namespace(), port, StartNetnsIT::hangUp)) {
            DaemonProcess daemon = refusesToStart();
            assertThat(daemon.lines("Error: ").getFirst())
                    .contains("failed to bind to address", ":" + port + ": ")
                    .containsIgnoringCase("address already in use");
        }
    }

    private static void hangUp(java.nio.channels.SocketChannel connection) {
        try {
            connection.close();
        } catch (IOException ignored) {
            // Nobody was meant to connect.
        }
    }
}
