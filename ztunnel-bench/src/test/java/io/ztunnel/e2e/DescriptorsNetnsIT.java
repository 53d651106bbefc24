package io.ztunnel.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.node.Application;
import io.ztunnel.node.Conversations;
import io.ztunnel.node.DaemonProcess;
import io.ztunnel.node.MeshLab;
import io.ztunnel.testkit.Redirection;
import io.ztunnel.testkit.Shell;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.Socket;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A daemon that has no file descriptor left goes on with what it has, waits without spinning, and
/// serves again when there are some.
@Tag("netns")
@Timeout(180)
class DescriptorsNetnsIT {
    private static final int LEFT = 30;
    private static final Pattern AGAIN =
            Pattern.compile("accepting again on .* after (\\d+) failures");

    @TempDir Path folder;

    @Test
    void outOfDescriptorsItWaitsAndServesAgain() throws Exception {
        try (MeshLab lab = new MeshLab(folder, Redirection.nft());
                ServerSocketChannel _ =
                        Application.serve(
                                lab.server().namespace(), Conversations.ECHO, Application::echo)) {
            lab.daemon(lab.server(), DaemonProcess.ours());
            DaemonProcess client = lab.daemon(lab.client(), DaemonProcess.ours());
            Conversations talk = new Conversations(lab.client().namespace(), lab.server().ipv4());
            List<Socket> waiting = new ArrayList<>();
            try (Socket standing = talk.open()) {
                // The tunnel and all classes are there before it gets tight.
                Conversations.roundTrip(standing, "before");
                limit(client, openFiles(client) + LEFT);

                for (int i = 0; i < 4 * LEFT; i++) {
                    waiting.add(talk.open());
                }
                MeshLab.eventually("it says so", () -> !client.lines("cannot accept on").isEmpty());
                Conversations.roundTrip(standing, "meanwhile");
            } finally {
                MeshLab.closeAll(waiting);
            }
            MeshLab.eventually("it serves again", talk::answers);
            MeshLab.eventually("it says so", () -> !client.lines("accepting again on").isEmpty());
            // A loop that spins fails hundreds of thousands of times in a moment, one that waits
            // ten times a second.
            assertThat(client.lines("accepting again on"))
                    .allSatisfy(line -> assertThat(failures(line)).isLessThan(2000));
            // One line for each episode of each listener, not one for each failure.
            assertThat(client.lines("cannot accept on")).hasSizeLessThan(200);
        }
    }

    private static long failures(String line) {
        Matcher told = AGAIN.matcher(line);
        assertThat(told.find()).as(line).isTrue();
        return Long.parseLong(told.group(1));
    }

    private static void limit(DaemonProcess daemon, long files) {
        Shell.run(
                List.of(
                        "prlimit",
                        "--pid",
                        Long.toString(daemon.process().pid()),
                        "--nofile=" + files + ":" + files));
    }

    private static long openFiles(DaemonProcess daemon) throws IOException {
        try (var files =
                java.nio.file.Files.list(Path.of("/proc/" + daemon.process().pid() + "/fd"))) {
            return files.count();
        }
    }
}
