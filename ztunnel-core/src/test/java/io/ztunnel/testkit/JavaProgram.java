package io.ztunnel.testkit;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Command lines for programs on our own class path: small and quick to start.
public final class JavaProgram {
    private JavaProgram() {}

    public static List<String> of(String mainClass, String... arguments) {
        return with(List.of(), mainClass, arguments);
    }

    /// @param flags of the virtual machine, in place of or beside the usual ones
    public static List<String> with(List<String> flags, String mainClass, String... arguments) {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-Xmx128m",
                                "-XX:+UseSerialGC",
                                "-XX:TieredStopAtLevel=1",
                                "--enable-native-access=ALL-UNNAMED",
                                "--sun-misc-unsafe-memory-access=allow"));
        command.addAll(flags);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), mainClass));
        command.addAll(List.of(arguments));
        return command;
    }
}
