package io.ztunnel.demo;

import io.ztunnel.testkit.Prerequisites;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/// `ztunnel demo [--ztunnel-command=COMMAND]`: tells the story and checks it.
///
/// Status 0: every step held. 1: one did not. 2: this machine cannot run it, and the text says what
/// to do. The command may also come from the variable `ZTUNNEL_COMMAND`; default is
/// `./ztunnel proxy ztunnel` at the root of the repository.
public final class Demo {
    private static final String OPTION = "--ztunnel-command=";

    private Demo() {}

    public static void main(String[] arguments) throws IOException {
        List<String> missing =
                Prerequisites.missing(
                        "ip", "iptables-restore", "ip6tables-restore", "tcpdump", "curl");
        if (!missing.isEmpty()) {
            System.err.println("The demo makes network namespaces and cannot run here:");
            missing.forEach(what -> System.err.println("  - " + what));
            System.exit(2);
        }
        System.exit(run(command(arguments)));
    }

    private static int run(List<String> ztunnelCommand) throws IOException {
        Instant start = Instant.now();
        Narrator narrator = new Narrator();
        Path folder = Files.createTempDirectory("ztunnel-demo-");
        Thread interrupted = new Thread(() -> removeAfterInterrupt(narrator, folder));
        Runtime.getRuntime().addShutdownHook(interrupted);
        narrator.title(
                "A mesh in a minute",
                "Real pods made of network namespaces; everything is removed afterwards.");
        try {
            try (Stage stage = new Stage(ztunnelCommand, folder)) {
                new Story(stage, narrator).tell();
            }
            Runtime.getRuntime().removeShutdownHook(interrupted);
            Stage.removeFolder(folder);
            narrator.title(
                    "All %d checks held, in %d s."
                            .formatted(
                                    narrator.checks(),
                                    Duration.between(start, Instant.now()).toSeconds()),
                    "Namespaces, rules, processes and files are gone.");
            return 0;
        } catch (StoryFailed failed) {
            Runtime.getRuntime().removeShutdownHook(interrupted);
            narrator.show(failed.evidence());
            narrator.title(
                    "Failed: " + failed.getMessage(),
                    "Namespaces are removed; logs and captures are kept in " + folder);
            return 1;
        }
    }

    /// Namespaces and processes are removed by the world's own hook at the same time.
    private static void removeAfterInterrupt(Narrator narrator, Path folder) {
        narrator.fallSilent();
        Stage.removeFolder(folder);
    }

    private static List<String> command(String[] arguments) {
        String command = System.getenv("ZTUNNEL_COMMAND");
        for (String argument : arguments) {
            if (!argument.startsWith(OPTION)) {
                System.err.println("usage: ztunnel demo [" + OPTION + "COMMAND]");
                System.exit(2);
            }
            command = argument.substring(OPTION.length());
        }
        if (command == null) {
            command = repositoryRoot().resolve("ztunnel") + " proxy ztunnel";
        }
        return List.of(command.split(" +"));
    }

    private static Path repositoryRoot() {
        Path start = Path.of("").toAbsolutePath();
        for (Path at = start; at != null; at = at.getParent()) {
            if (Files.isExecutable(at.resolve("ztunnel"))) {
                return at;
            }
        }
        return start;
    }
}
