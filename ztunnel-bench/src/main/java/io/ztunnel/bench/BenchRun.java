package io.ztunnel.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/// One whole run: builds the lab, warms every variant up, measures in alternated rounds.
///
/// In every round each scenario is measured on all variants before the next scenario comes, and the
/// first variant is another one each time, so that a machine that grows busier hurts all alike.
final class BenchRun {
    private final BenchOptions options;
    private final List<Variant> variants;
    private final Results results = new Results();

    BenchRun(BenchOptions options, List<Variant> variants) {
        this.options = options;
        this.variants = variants;
    }

    /// Does the run; the lab is gone when this returns or throws.
    Results run() {
        Lab lab = new Lab();
        Thread cleaning = new Thread(lab::close, "bench-cleaning");
        Runtime.getRuntime().addShutdownHook(cleaning);
        try {
            List<Site> sites = build(lab);
            List<Scenario> scenarios =
                    Scenario.all(options).stream().filter(options::wants).toList();
            measure(lab, sites, scenarios, options.rounds(), false);
            measure(lab, sites, scenarios, options.startRounds(), true);
        } finally {
            lab.close();
        }
        Runtime.getRuntime().removeShutdownHook(cleaning);
        return results;
    }

    private List<Site> build(Lab lab) {
        say("making pods");
        boolean tunnels = variants.stream().anyMatch(v -> v.kind() == Variant.Kind.ZTUNNEL);
        Optional<Authority> authority =
                tunnels ? Optional.of(Authority.start(lab)) : Optional.empty();
        List<Site> sites = new ArrayList<>();
        for (Variant variant : variants) {
            try {
                Site site = Site.build(lab, variant, options.inPod(), authority);
                site.start();
                say("warming up " + variant.name());
                WarmUp.run(site, options.warmUpSeconds());
                sites.add(site);
            } catch (LabFailure problem) {
                failed("set-up", variant, problem, lab);
            }
        }
        return sites;
    }

    private void measure(
            Lab lab, List<Site> sites, List<Scenario> scenarios, int rounds, boolean restarting) {
        List<Site> order = new ArrayList<>(sites);
        for (int round = 1; round <= rounds; round++) {
            for (Scenario scenario : scenarios) {
                if (scenario.restartsProxies() != restarting) {
                    continue;
                }
                say("round %d of %d: %s".formatted(round, rounds, scenario.name()));
                for (Site site : order) {
                    if (scenario.appliesTo(site)) {
                        measure(lab, site, scenario);
                    }
                }
            }
            Collections.rotate(order, 1);
        }
    }

    private void measure(Lab lab, Site site, Scenario scenario) {
        String variant = site.variant().name();
        Disturbance disturbance = new Disturbance();
        try {
            scenario.measure(
                    site, (metric, value) -> results.add(scenario.name(), variant, metric, value));
            results.measured(disturbance.cores());
        } catch (LabFailure problem) {
            failed(scenario.name(), site.variant(), problem, lab);
        }
    }

    private void failed(String what, Variant variant, LabFailure problem, Lab lab) {
        if (lab.isClosed()) {
            throw problem;
        }
        results.failed(what, variant.name(), String.valueOf(problem.getMessage()));
        say(what + ", " + variant.name() + ": " + problem.getMessage());
    }

    private static void say(String what) {
        System.err.println("bench: " + what);
    }
}
