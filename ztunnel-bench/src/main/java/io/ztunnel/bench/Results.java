package io.ztunnel.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// All samples of a run, in the order in which their kinds first appeared. One thread.
final class Results {
    private final Map<Line, Map<String, List<Double>>> samples = new LinkedHashMap<>();
    private final List<String> failures = new ArrayList<>();
    private int measurements;
    private int disturbed;

    /// What one row of the table is about.
    record Line(String scenario, Metric metric) {}

    /// The samples of one variant on one line.
    record Series(List<Double> values) {
        double median() {
            List<Double> sorted = values.stream().sorted().toList();
            int middle = sorted.size() / 2;
            return sorted.size() % 2 == 1
                    ? sorted.get(middle)
                    : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
        }

        double least() {
            return values.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
        }

        double most() {
            return values.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
        }
    }

    void add(String scenario, String variant, Metric metric, double value) {
        samples.computeIfAbsent(new Line(scenario, metric), line -> new LinkedHashMap<>())
                .computeIfAbsent(variant, name -> new ArrayList<>())
                .add(value);
    }

    /// @param foreignCores what others used of the machine meanwhile
    void measured(double foreignCores) {
        measurements++;
        if (foreignCores > Disturbance.NOTEWORTHY) {
            disturbed++;
        }
    }

    void failed(String scenario, String variant, String why) {
        failures.add(scenario + ", " + variant + ": " + why);
    }

    List<Line> lines() {
        return List.copyOf(samples.keySet());
    }

    Optional<Series> series(Line line, String variant) {
        return Optional.ofNullable(samples.getOrDefault(line, Map.of()).get(variant))
                .map(Series::new);
    }

    /// The median of one over that of another, when both were measured and the other is not 0.
    Optional<Double> ratio(Line line, String variant, String to) {
        Optional<Double> base = series(line, to).map(Series::median).filter(median -> median != 0);
        return series(line, variant).map(Series::median).flatMap(m -> base.map(b -> m / b));
    }

    List<String> failures() {
        return List.copyOf(failures);
    }

    int measurements() {
        return measurements;
    }

    int disturbed() {
        return disturbed;
    }
}
