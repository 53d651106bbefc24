package io.ztunnel.bench;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What the caller asked for.
///
/// @param seconds of one measurement
/// @param warmUpSeconds of each of the kinds of work that warm a variant up
/// @param idleConnections that are held while memory is read
/// @param only names of scenarios, empty for all
/// @param inPod ztunnels are on nodes, not in the pods
/// @param variants names of variants, empty for all that can run
record BenchOptions(
        int rounds,
        int startRounds,
        int seconds,
        int warmUpSeconds,
        int idleConnections,
        List<String> only,
        List<String> variants,
        String ours,
        Optional<String> peer,
        Optional<Path> json,
        boolean again,
        boolean inPod) {
    static final String USAGE =
            """
            Usage: ztunnel bench [options]       the daemons, from outside, as root
                   ztunnel bench micro [filter]  single parts, with JMH
                   ztunnel bench node [options]  many pods on one node, see node --help
                   ztunnel bench mesh [options]  what a whole cluster costs one node

              --ours CMD           starts one of our daemons (./ztunnel proxy ztunnel)
              --peer-command CMD   starts one upstream ztunnel, or ZTUNNEL_PEER_COMMAND
              --variants LIST      of direct,haproxy,ours,upstream (all that can run)
              --in-pod             ztunnels on nodes of their own, as in Kubernetes, not in the pods
              --again              our daemon as a second variant: the noise of this machine
              --rounds N           alternated rounds (3)
              --seconds N          of one measurement (2)
              --idle N             idle connections while memory is read (5000)
              --only LIST          scenarios: bulk-1-up,bulk-1-down,bulk-8-up,bulk-8-down,
                                   requests-1,requests-16,requests-64,mixed,noisy,
                                   connections,handshakes,start
              --quick              one round of 1 s and the main scenarios only
              --json FILE          all samples, medians and ratios
              --help
            """;

    private static final List<String> QUICK =
            List.of(
                    "bulk-1-up",
                    "bulk-8-down",
                    "requests-1",
                    "requests-16",
                    "mixed",
                    "connections",
                    "handshakes",
                    "start");

    /// Reads a command line; `--quick` sets what nothing else on the line sets.
    ///
    /// @throws IllegalArgumentException with a sentence for the caller
    static BenchOptions parse(List<String> words, Map<String, String> environment) {
        boolean quick = words.contains("--quick");
        int rounds = quick ? 1 : 3;
        int startRounds = quick ? 1 : 2;
        int seconds = quick ? 1 : 2;
        int idle = quick ? 2_000 : 5_000;
        List<String> only = quick ? QUICK : List.of();
        List<String> variants = List.of();
        String ours = "./ztunnel proxy ztunnel";
        Optional<String> peer = Optional.ofNullable(environment.get("ZTUNNEL_PEER_COMMAND"));
        Optional<Path> json = Optional.empty();
        for (int i = 0; i < words.size(); i++) {
            switch (words.get(i)) {
                case "--quick", "--again", "--in-pod" -> {}
                case "--rounds" -> {
                    rounds = number(words, ++i, 1, 100);
                    startRounds = Math.min(rounds, startRounds);
                }
                case "--seconds" -> seconds = number(words, ++i, 1, 60);
                case "--idle" -> idle = number(words, ++i, 1, 7_000);
                case "--only" -> only = List.of(value(words, ++i).split(","));
                case "--variants" -> variants = List.of(value(words, ++i).split(","));
                case "--ours" -> ours = value(words, ++i);
                case "--peer-command" -> peer = Optional.of(value(words, ++i));
                case "--json" -> json = Optional.of(Path.of(value(words, ++i)));
                default -> throw new IllegalArgumentException("unknown option " + words.get(i));
            }
        }
        int warmUp = quick ? 1 : 3;
        return new BenchOptions(
                rounds,
                startRounds,
                seconds,
                warmUp,
                idle,
                only,
                variants,
                ours,
                peer.filter(command -> !command.isBlank()),
                json,
                words.contains("--again"),
                words.contains("--in-pod"));
    }

    boolean wants(Scenario scenario) {
        return only.isEmpty() || only.contains(scenario.name());
    }

    private static String value(List<String> words, int at) {
        if (at >= words.size()) {
            throw new IllegalArgumentException(words.getLast() + " wants a value");
        }
        return words.get(at);
    }

    private static int number(List<String> words, int at, int least, int most) {
        String text = value(words, at);
        if (!text.matches("\\d{1,6}")
                || Integer.parseInt(text) < least
                || Integer.parseInt(text) > most) {
            throw new IllegalArgumentException(
                    "%s wants a number from %d to %d, not %s"
                            .formatted(words.get(at - 1), least, most, text));
        }
        return Integer.parseInt(text);
    }
}
