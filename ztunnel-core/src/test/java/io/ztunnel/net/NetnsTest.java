package io.ztunnel.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.ztunnel.net.linux.LibC;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

class NetnsTest {
    private static final Path SELF = Path.of("/proc/self/ns/net");

    @Test
    void theOwnNamespaceIsTheOneTheKernelShows() throws IOException {
        long inode = (long) Files.getAttribute(SELF, "unix:ino");

        assertThat(Netns.own().id().inode()).isEqualTo(inode);
        assertThat(Netns.own()).hasToString(Files.readSymbolicLink(SELF).toString());
    }

    @Test
    void anotherHandleOfTheOwnNamespaceIsRecognised() throws IOException {
        try (Netns again = Netns.open(SELF)) {
            assertThat(again.id()).isEqualTo(Netns.own().id());
            assertThat(again.isOwn()).isTrue();
        }
    }

    @Test
    void closingTheOwnNamespaceDoesNothing() {
        Netns.own().close();

        assertThat(Netns.own().call(() -> "still here")).isEqualTo("still here");
    }

    @Test
    void whatIsNoNetworkNamespaceIsRefusedAndClosed() throws IOException {
        for (String other : new String[] {"/dev/null", "/proc/self/ns/uts"}) {
            int descriptor = LibC.open(other);

            assertThatExceptionOfType(IOException.class)
                    .isThrownBy(() -> Netns.ofDescriptor(descriptor));
            assertThat(Path.of("/proc/self/fd/" + descriptor)).doesNotExist();
        }
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> Netns.open(Path.of("/no/such/netns")))
                .withMessageStartingWith("open: ENOENT");
    }
}
