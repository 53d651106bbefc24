package io.ztunnel.bench;

import io.ztunnel.bench.mesh.MeshScale;
import io.ztunnel.bench.micro.MicroMain;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// The command `ztunnel bench`.
///
/// Ends with status 0 when everything asked for was measured, 1 when something was not, 2 when the
/// question was wrong or this machine cannot answer it.
public final class Bench {
    private Bench() {}

    public static void main(String[] args) {
        System.exit(run(Arrays.asList(args)));
    }

    private static int run(List<String> words) {
        if (!words.isEmpty() && words.getFirst().equals("micro")) {
            return MicroMain.run(words.subList(1, words.size()));
        }
        if (!words.isEmpty() && words.getFirst().equals("node")) {
            return node(words.subList(1, words.size()));
        }
        if (!words.isEmpty() && words.getFirst().equals("mesh")) {
            return MeshScale.run(words.subList(1, words.size()));
        }
        if (words.contains("--help")) {
            System.out.print(BenchOptions.USAGE);
            return 0;
        }
        try {
            BenchOptions options = BenchOptions.parse(words, System.getenv());
            requireKnownNames(options);
            requireTools("ip", "iptables-restore", "sysctl", "iperf3");
            return measure(options);
        } catch (IllegalArgumentException | LabFailure problem) {
            System.err.println("bench: " + problem.getMessage());
            return 2;
        }
    }

    private static int node(List<String> words) {
        try {
            requireTools("ip", "iptables-restore", "sysctl");
            return NodeBench.run(words);
        } catch (IllegalArgumentException | LabFailure problem) {
            System.err.println("bench: " + problem.getMessage());
            return 2;
        }
    }

    private static int measure(BenchOptions options) {
        Machine machine = Machine.here();
        List<Variant> variants = variants(options);
        Results results = new BenchRun(options, variants).run();
        System.out.println(machine.sentence());
        System.out.printf(
                "%d measurements, in %d of them others took more than %.1f of a core%n%n",
                results.measurements(), results.disturbed(), Disturbance.NOTEWORTHY);
        System.out.println(ReportTable.of(results, variants));
        results.failures().forEach(failure -> System.out.println("not measured: " + failure));
        options.json()
                .ifPresent(file -> ReportJson.write(file, results, variants, machine, options));
        return results.failures().isEmpty() ? 0 : 1;
    }

    private static List<Variant> variants(BenchOptions options) {
        List<Variant> all = new ArrayList<>();
        all.add(new Variant(Variant.DIRECT, Variant.Kind.DIRECT, List.of()));
        if (isInstalled("haproxy") && isInstalled("openssl")) {
            all.add(new Variant(Variant.HAPROXY, Variant.Kind.HAPROXY, List.of("haproxy")));
        } else {
            System.err.println("bench: without haproxy, which wants haproxy and openssl");
        }
        options.peer().ifPresent(command -> all.add(ztunnel(Variant.UPSTREAM, command)));
        if (Files.isExecutable(Path.of(options.ours().strip().split(" ")[0]))) {
            all.add(ztunnel(Variant.OURS, options.ours()));
            if (options.again()) {
                all.add(ztunnel(Variant.AGAIN, options.ours()));
            }
        } else {
            System.err.println("bench: without ours, cannot run " + options.ours());
        }
        List<String> wanted = options.variants();
        all.removeIf(variant -> !wanted.isEmpty() && !wanted.contains(variant.name()));
        if (all.isEmpty()) {
            throw new LabFailure("no variant is left to be measured");
        }
        return all;
    }

    private static Variant ztunnel(String name, String command) {
        return new Variant(name, Variant.Kind.ZTUNNEL, List.of("sh", "-c", "exec " + command));
    }

    private static void requireKnownNames(BenchOptions options) {
        List<String> known = Scenario.all(options).stream().map(Scenario::name).toList();
        for (String name : options.only()) {
            if (!known.contains(name)) {
                throw new IllegalArgumentException(
                        "no scenario " + name + "; there are " + String.join(", ", known));
            }
        }
    }

    private static void requireTools(String... tools) {
        for (String tool : tools) {
            if (!isInstalled(tool)) {
                throw new LabFailure(tool + " is not installed");
            }
        }
        if (!Command.run("id", "-u").strip().equals("0")) {
            throw new LabFailure("namespaces want root");
        }
    }

    private static boolean isInstalled(String tool) {
        return Optional.ofNullable(System.getenv("PATH")).stream()
                .flatMap(path -> Arrays.stream(path.split(":")))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, tool)));
    }
}
