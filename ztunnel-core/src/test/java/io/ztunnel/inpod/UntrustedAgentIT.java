package io.ztunnel.inpod;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.testkit.Prerequisites;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// Whoever hands over namespaces decides where we listen, so we do not talk with just anybody who
/// took the agent's place at the socket.
@Tag("netns")
@Timeout(60)
class UntrustedAgentIT {
    /// Binds as root and listens as nobody, then tells of each caller whether he said a word.
    private static final String NOBODY =
            """
            use Socket;
            $| = 1;
            socket(S, AF_UNIX, SOCK_SEQPACKET, 0) or die $!;
            bind(S, pack_sockaddr_un($ARGV[0])) or die $!;
            $> = 65534;
            listen(S, 8) or die $!;
            while (accept(C, S)) {
                print sysread(C, my $word, 64) ? "spoken\\n" : "silent\\n";
                close(C);
            }
            """;

    @TempDir Path folder;

    @Test
    void weakness7_anAgentThatIsNeitherRootNorOurselvesIsNotTalkedWith() throws Exception {
        Prerequisites.require("perl");
        Path socket = folder.resolve("ztunnel.sock");
        Process agent =
                new ProcessBuilder("perl", "-e", NOBODY, socket.toString())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        try (Conversing us = new Conversing(socket, new ScriptedHost());
                BufferedReader callers =
                        new BufferedReader(
                                new InputStreamReader(
                                        agent.getInputStream(), StandardCharsets.US_ASCII))) {
            for (int caller = 0; caller < 3; caller++) {
                assertThat(callers.readLine()).isEqualTo("silent");
            }
            assertThat(us.conversation.facts().conversations()).isZero();
            assertThat(us.conversation.facts().ends()).containsKey("unreachable");
            assertThat(us.readiness.isReady()).isFalse();
        } finally {
            agent.destroyForcibly().waitFor();
        }
    }
}
