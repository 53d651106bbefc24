package io.ztunnel.feed;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;

/// What an operator reads who pointed the daemon at nothing.
class MissingLocalFileTest {
    @Test
    void the_setting_and_the_file_are_named(@TempDir Path directory) {
        Path missing = directory.resolve("mesh.yaml");
        LocalFileFeed feed = new LocalFileFeed(missing, _ -> {}, _ -> {});

        assertThatThrownBy(feed::load)
                .isInstanceOf(IOException.class)
                .hasMessage("LOCAL_XDS_PATH=" + missing + ": no such file; correct or unset it");
    }

    @Test
    void a_directory_is_not_a_file(@TempDir Path directory) {
        LocalFileFeed feed = new LocalFileFeed(directory, _ -> {}, _ -> {});

        assertThatThrownBy(feed::load)
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("LOCAL_XDS_PATH=" + directory + ": cannot be read: ");
    }
}
