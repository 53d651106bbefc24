package io.ztunnel.net.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/// Compares what this package believes with the running kernel.
class LibCTest {
    private static final int NEVER_OPEN = 1_000_000;

    @Test
    void aFailureNamesItsCallAndErrno() {
        assertThatExceptionOfType(SystemCallException.class)
                .isThrownBy(() -> LibC.open("/no/such/file"))
                .withMessage("open: ENOENT, no such file or directory")
                .satisfies(
                        failure -> {
                            assertThat(failure.call()).isEqualTo("open");
                            assertThat(failure.errno()).isEqualTo(Errno.ENOENT);
                        });
        assertThatExceptionOfType(SystemCallException.class)
                .isThrownBy(() -> LibC.close(NEVER_OPEN))
                .withMessage("close: EBADF, bad file descriptor");
        assertThatExceptionOfType(SystemCallException.class)
                .isThrownBy(() -> LibC.fstat(NEVER_OPEN))
                .withMessageStartingWith("fstat: EBADF");
        assertThatExceptionOfType(SystemCallException.class)
                .isThrownBy(() -> LibC.duplicate(NEVER_OPEN))
                .withMessageStartingWith("fcntl: EBADF");
        assertThatExceptionOfType(SystemCallException.class)
                .isThrownBy(() -> LibC.read(NEVER_OPEN, 1))
                .withMessageStartingWith("read: EBADF");
        assertThatExceptionOfType(SystemCallException.class)
                .isThrownBy(() -> LibC.setns(NEVER_OPEN, LibC.CLONE_NEWNET))
                .withMessageStartingWith("setns: EBADF");
    }

    @Test
    void theKernelKnowsOurNamespaceType() throws IOException {
        int own = LibC.open("/proc/thread-self/ns/net");
        int notOne = LibC.open("/dev/null");
        try {
            assertThat(LibC.namespaceType(own)).isEqualTo(LibC.CLONE_NEWNET);
            assertThatExceptionOfType(SystemCallException.class)
                    .isThrownBy(() -> LibC.namespaceType(notOne))
                    .withMessage("ioctl: " + Errno.describe(Errno.ENOTTY));
        } finally {
            LibC.close(own);
            LibC.close(notOne);
        }
    }

    @Test
    void deviceAndInodeAreThoseTheJdkSees() throws IOException {
        Path file = Path.of("/proc/self/ns/net");
        int fd = LibC.open(file.toString());
        try {
            assertThat(LibC.fstat(fd))
                    .isEqualTo(
                            new FileIdentity(
                                    (long) Files.getAttribute(file, "unix:dev"),
                                    (long) Files.getAttribute(file, "unix:ino")));
        } finally {
            LibC.close(fd);
        }
    }

    @Test
    void whatWeOpenIsClosedOnExec() throws IOException {
        int fd = LibC.open("/dev/null");
        int copy = LibC.duplicate(fd);
        try {
            assertThat(flagsOf(fd) & LibC.O_CLOEXEC).isNotZero();
            assertThat(copy).isNotEqualTo(fd);
            assertThat(flagsOf(copy) & LibC.O_CLOEXEC).isNotZero();
        } finally {
            LibC.close(fd);
            LibC.close(copy);
        }
    }

    @Test
    void readingStopsAtTheEndOfTheFile() throws IOException {
        int fd = LibC.open("/proc/sys/kernel/ostype");
        try {
            assertThat(new String(LibC.read(fd, 100), StandardCharsets.US_ASCII))
                    .isEqualTo("Linux\n");
            assertThat(LibC.read(fd, 100)).isEmpty();
        } finally {
            LibC.close(fd);
        }
    }

    @Test
    void theOpenFileLimitBecomesTheHardOne() throws IOException {
        long limit = LibC.raiseOpenFileLimit();

        String row =
                Files.readAllLines(Path.of("/proc/self/limits")).stream()
                        .filter(line -> line.startsWith("Max open files"))
                        .findFirst()
                        .orElseThrow();
        assertThat(row.split("\\s+")).contains(Long.toString(limit), Long.toString(limit));
        assertThat(row).containsPattern("files +" + limit + " +" + limit + " ");
    }

    private static int flagsOf(int fd) throws IOException {
        return Files.readAllLines(Path.of("/proc/self/fdinfo/" + fd)).stream()
                .filter(line -> line.startsWith("flags:"))
                .mapToInt(line -> Integer.parseInt(line.substring(6).strip(), 8))
                .findFirst()
                .orElseThrow();
    }
}
