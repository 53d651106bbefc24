package io.ztunnel.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// The few files the configuration looks at, so that a test needs none.
public interface ConfigFiles {

    boolean exists(String path);

    /// @throws java.nio.file.NoSuchFileException where there is none
    /// @throws IOException where it cannot be read
    String read(String path) throws IOException;

    /// The real ones, relative to the working directory.
    static ConfigFiles real() {
        return new ConfigFiles() {
            @Override
            public boolean exists(String path) {
                // A text that is no path (an inline PEM, a token) is not a file either.
                return path.indexOf('\n') < 0
                        && path.indexOf('\0') < 0
                        && Files.exists(Path.of(path));
            }

            @Override
            public String read(String path) throws IOException {
                return Files.readString(Path.of(path));
            }
        };
    }
}
