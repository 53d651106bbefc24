package io.ztunnel.bench.mesh;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// The command `ztunnel bench mesh`: a cluster over a real gRPC stream into the part of the daemon
/// that listens to it; then the same keeping its state, and a start with what was kept.
public final class MeshScale {
    private static final String USAGE =
            """
            Usage: ztunnel bench mesh [options]   what a whole cluster costs one node

              --workloads N   (200000)
              --services N    (5000), and one more with 10 000 endpoints
              --changes N     one-endpoint pushes of each kind (1000)
              --heap SIZE     largest heap of the listener (256m, as the daemon has)
            """;

    /// What the launcher gives the daemon.
    private static final List<String> DAEMON_FLAGS =
            List.of(
                    "-XX:+UseSerialGC",
                    "-XX:+UseCompactObjectHeaders",
                    "-Xms16m",
                    "-Xss512k",
                    "-XX:MaxDirectMemorySize=512m",
                    "-XX:TrimNativeHeapInterval=10000",
                    "-Dio.netty.leakDetection.level=disabled");

    private static final List<String> SOURCE_FLAGS = List.of("-XX:+UseSerialGC", "-Xmx2g");

    private MeshScale() {}

    /// @return the status the process should end with
    public static int run(List<String> words) {
        int workloads = 200_000;
        int services = 5_000;
        int changes = 1_000;
        String heap = "256m";
        try {
            for (int i = 0; i < words.size(); i += 2) {
                String value = i + 1 < words.size() ? words.get(i + 1) : "";
                switch (words.get(i)) {
                    case "--workloads" ->
                            workloads = number(value, MeshContent.LARGE_SERVICE, 1_000_000);
                    case "--services" -> services = number(value, 1, 65_000);
                    case "--changes" -> changes = number(value, 100, 100_000);
                    case "--heap" -> heap = value;
                    default -> throw new IllegalArgumentException(words.get(i));
                }
            }
        } catch (IllegalArgumentException question) {
            System.err.print(USAGE);
            return 2;
        }
        try {
            return measure(workloads, services, changes, heap);
        } catch (IOException | InterruptedException failed) {
            System.err.println("bench: " + failed);
            return 1;
        }
    }

    private static int number(String text, int least, int most) {
        int number = Integer.parseInt(text);
        if (number < least || number > most) {
            throw new IllegalArgumentException(text);
        }
        return number;
    }

    private static int measure(int workloads, int services, int changes, String heap)
            throws IOException, InterruptedException {
        Path root = Files.createTempFile("ztunnel-bench", ".pem");
        Process source =
                start(
                        SOURCE_FLAGS,
                        MeshSource.class,
                        ProcessBuilder.Redirect.PIPE,
                        workloads,
                        services,
                        changes,
                        root);
        try (BufferedReader said =
                new BufferedReader(
                        new InputStreamReader(source.getInputStream(), StandardCharsets.UTF_8))) {
            String port = said.readLine();
            if (port == null) {
                throw new IOException("the control plane does not start");
            }
            List<String> flags = new ArrayList<>(DAEMON_FLAGS);
            flags.add("-Xmx" + heap);
            Path kept = Files.createTempDirectory("ztunnel-bench");
            try {
                return read(flags, port, root, workloads, changes)
                                && read(flags, port, root, workloads, changes, kept)
                                && read(flags, "0", root, workloads, changes, kept)
                        ? 0
                        : 1;
            } finally {
                Files.deleteIfExists(kept.resolve("xds-snapshot"));
                Files.deleteIfExists(kept.resolve("xds-snapshot.new"));
                Files.deleteIfExists(kept);
            }
        } finally {
            source.destroyForcibly();
            Files.deleteIfExists(root);
        }
    }

    /// Whether the listener came to its end.
    private static boolean read(List<String> flags, Object... arguments)
            throws IOException, InterruptedException {
        return start(flags, MeshReader.class, ProcessBuilder.Redirect.INHERIT, arguments).waitFor()
                == 0;
    }

    private static Process start(
            List<String> flags, Class<?> main, ProcessBuilder.Redirect output, Object... arguments)
            throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(flags);
        command.add("-XX:+ExitOnOutOfMemoryError");
        command.add("--enable-native-access=ALL-UNNAMED");
        command.add("--sun-misc-unsafe-memory-access=allow");
        command.add("-Dlogback.configurationFile=io/ztunnel/bench/mesh/logback.xml");
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        command.add(main.getName());
        for (Object argument : arguments) {
            command.add(argument.toString());
        }
        return new ProcessBuilder(command)
                .redirectOutput(output)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }
}
