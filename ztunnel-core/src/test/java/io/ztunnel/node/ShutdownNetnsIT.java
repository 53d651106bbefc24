package io.ztunnel.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.testkit.Redirection;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/// docs/spec/dataplane.md 13.10, row 135: a daemon that is stopped as soon as it is there.
@Tag("netns")
@Timeout(120)
class ShutdownNetnsIT {
    @TempDir Path folder;

    private MeshLab lab;

    @BeforeEach
    void build() {
        lab = new MeshLab(folder, Redirection.iptables());
    }

    @AfterEach
    void remove() {
        lab.close();
    }

    private static void endsWithoutAnError(DaemonProcess daemon) throws Exception {
        daemon.process().destroy();

        assertThat(daemon.process().waitFor(30, TimeUnit.SECONDS)).as(daemon.tail()).isTrue();
        assertThat(daemon.process().exitValue()).as(daemon.tail()).isZero();
    }

    @Test
    void row135_aStopRightAfterTheStartEndsWithoutAnError() throws Exception {
        endsWithoutAnError(lab.daemon(lab.client(), DaemonProcess.ours()));
    }

    @Test
    void row135_aStopWhileTheControlPlaneIsAwaitedEndsWithoutAnError() throws Exception {
        DaemonProcess waiting =
                lab.starting(
                        lab.client(),
                        DaemonProcess.ours(),
                        "XDS_ADDRESS=https://" + MeshLab.CA.getHostAddress() + ":1",
                        "XDS_ROOT_CA=" + folder.resolve("root-cert.pem"));
        MeshLab.eventually(
                "it tries", () -> !waiting.lines("stream to the control plane ended").isEmpty());

        endsWithoutAnError(waiting);
    }
}
