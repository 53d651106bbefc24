package io.ztunnel.rehearsal;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.node.DaemonProcess;
import io.ztunnel.node.MeshLab;
import io.ztunnel.testkit.JavaProgram;
import io.ztunnel.testkit.Namespace;
import io.ztunnel.testkit.NetnsWorld;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// The recording of the start-up cache, with a launcher that stands in for the real one: classes in
/// directories, as tests have them, cannot be recorded. In a namespace for its fixed ports; it asks
/// for no other privilege.
@Tag("netns")
@Timeout(180)
class RehearsalNetnsIT {
    @TempDir Path folder;

    private NetnsWorld world;
    private Namespace alone;
    private Path cache;

    @BeforeEach
    void build() {
        world = new NetnsWorld();
        alone = world.node("alone").namespace();
        cache = folder.resolve("ztunnel.aot");
    }

    @AfterEach
    void remove() {
        world.close();
    }

    @Test
    void aDaemonIsTalkedThroughFromEndToEnd() throws Exception {
        Path said = folder.resolve("said");
        Process rehearsal =
                rehearse("touch %s; exec %s > %s".formatted(cache, daemon(), said.toString()));
        assertThat(rehearsal.exitValue()).as(words()).isZero();
        List<String> lines = Files.readAllLines(said);
        assertThat(lines)
                .filteredOn(line -> line.contains("connection complete"))
                .as(words())
                .hasSizeGreaterThan(6400)
                .noneMatch(line -> line.contains("error="))
                .anyMatch(line -> line.contains("direction=\"inbound\""))
                .anyMatch(line -> line.contains("direction=\"outbound\""));
    }

    @Test
    void aDaemonThatEndsIsQuoted() throws Exception {
        Process rehearsal = rehearse("echo no room left; exit 3");
        assertThat(rehearsal.exitValue()).isEqualTo(1);
        assertThat(words())
                .contains("rehearsal: the daemon ended with status 3", "it said: no room left");
    }

    @Test
    void aMissingCacheIsAFailure() throws Exception {
        Process rehearsal = rehearse("exec " + daemon());
        assertThat(rehearsal.exitValue()).isEqualTo(1);
        assertThat(words()).contains("rehearsal: no cache was written");
    }

    @Test
    void aSignalEndsItAndTheDaemonAndLeavesNoFiles() throws Exception {
        Path pid = folder.resolve("pid");
        Process rehearsal = start("echo $$ > %s; exec %s".formatted(pid, daemon()));
        MeshLab.eventually("there is a daemon", () -> pid.toFile().length() > 0);
        assertThat(left()).hasSize(1);
        ProcessHandle daemon =
                ProcessHandle.of(Long.parseLong(Files.readString(pid).strip())).orElseThrow();
        rehearsal.destroy();
        assertThat(rehearsal.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(rehearsal.exitValue()).isEqualTo(143);
        assertThat(left()).as(words()).isEmpty();
        MeshLab.eventually("the daemon has ended", () -> !daemon.isAlive());
    }

    private static String daemon() {
        return String.join(" ", DaemonProcess.ours());
    }

    private Process rehearse(String script) throws Exception {
        Process process = start(script);
        assertThat(process.waitFor(150, TimeUnit.SECONDS)).as(words()).isTrue();
        assertThat(left()).as(words()).isEmpty();
        return process;
    }

    private Process start(String script) throws IOException {
        Path launcher = folder.resolve("launcher");
        Files.writeString(launcher, "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwx------"));
        Files.createDirectories(temporary());
        return alone.start(
                JavaProgram.with(
                        List.of("-Djava.io.tmpdir=" + temporary()),
                        "io.ztunnel.rehearsal.Rehearsal",
                        launcher.toString(),
                        cache.toString()),
                Map.of(),
                folder.resolve("words").toFile());
    }

    private Path temporary() {
        return folder.resolve("tmp");
    }

    /// Folders of rehearsals. Libraries may unpack themselves beside them.
    private List<Path> left() throws IOException {
        try (Stream<Path> files = Files.list(temporary())) {
            return files.filter(file -> file.toString().contains("rehearsal")).toList();
        }
    }

    private String words() throws IOException {
        return Files.readString(folder.resolve("words"));
    }
}
