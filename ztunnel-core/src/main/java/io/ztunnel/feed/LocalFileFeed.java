package io.ztunnel.feed;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/// The local file as a source of the mesh: read at start, then again whenever its text changes
/// (`LOCAL_XDS_PATH`, docs/spec/control-plane.md 3).
///
/// The file is looked at in intervals rather than through events of its directory: mounted
/// configuration is replaced by swapping links, which such events miss. Used by one thread.
public final class LocalFileFeed {
    private final Path file;
    private final Consumer<LocalFileContent> mesh;
    private final Consumer<? super Exception> problems;

    private String text = "";
    private String complaint = "";

    /// @param mesh gets the whole content of each good version, on the thread that looks
    /// @param problems gets a [LocalFileProblem] or [IOException] for each bad version; what the
    ///     last good one said stays in force
    public LocalFileFeed(
            Path file, Consumer<LocalFileContent> mesh, Consumer<? super Exception> problems) {
        this.file = file;
        this.mesh = mesh;
        this.problems = problems;
    }

    /// Reads the file for the first time.
    ///
    /// @throws IOException where it cannot be read, saying which file and setting
    /// @throws LocalFileProblem where it is malformed, which has to end the start
    public void load() throws IOException, LocalFileProblem {
        text = read();
        mesh.accept(LocalFileContent.parse(file.toString(), text));
    }

    /// Looks at the file, and reads it where its text has changed.
    public void look() {
        try {
            String now = read();
            complaint = "";
            if (!now.equals(text)) {
                text = now;
                mesh.accept(LocalFileContent.parse(file.toString(), now));
            }
        } catch (IOException | LocalFileProblem problem) {
            // A file that stays away is one complaint, not one for each look.
            if (!complaint.equals(problem.toString())) {
                complaint = problem.toString();
                problems.accept(problem);
            }
        }
    }

    private String read() throws IOException {
        try {
            return Files.readString(file);
        } catch (NoSuchFileException missing) {
            throw new IOException(
                    "LOCAL_XDS_PATH=" + file + ": no such file; correct or unset it", missing);
        } catch (CharacterCodingException binary) {
            throw new IOException(
                    "LOCAL_XDS_PATH=" + file + ": cannot be read: not UTF-8 text", binary);
        } catch (IOException unreadable) {
            throw new IOException(
                    "LOCAL_XDS_PATH=" + file + ": cannot be read: " + unreadable, unreadable);
        }
    }

    /// Looks at the file again and again on the given thread, until the result is cancelled.
    public ScheduledFuture<?> watch(ScheduledExecutorService thread, Duration interval) {
        long nanos = interval.toNanos();
        return thread.scheduleWithFixedDelay(this::look, nanos, nanos, TimeUnit.NANOSECONDS);
    }
}
