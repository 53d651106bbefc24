package io.ztunnel.bench;

import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// All samples, medians and ratios of a run as a JSON file, for other programs and later runs.
final class ReportJson {
    private ReportJson() {}

    static void write(
            Path file,
            Results results,
            List<Variant> variants,
            Machine machine,
            BenchOptions options) {
        try (JsonGenerator json =
                new JsonFactory().createGenerator(file.toFile(), JsonEncoding.UTF8)) {
            json.useDefaultPrettyPrinter();
            json.writeStartObject();
            json.writeObjectFieldStart("machine");
            json.writeStringField("date", machine.date());
            json.writeStringField("kernel", machine.kernel());
            json.writeStringField("processor", machine.processor());
            json.writeNumberField("cores", machine.cores());
            json.writeStringField("load", machine.load());
            json.writeEndObject();
            json.writeNumberField("rounds", options.rounds());
            json.writeNumberField("seconds", options.seconds());
            json.writeNumberField("idleConnections", options.idleConnections());
            json.writeNumberField("measurements", results.measurements());
            json.writeNumberField("disturbed", results.disturbed());
            json.writeArrayFieldStart("lines");
            for (Results.Line line : results.lines()) {
                writeLine(json, line, results, variants);
            }
            json.writeEndArray();
            json.writeArrayFieldStart("failures");
            for (String failure : results.failures()) {
                json.writeString(failure);
            }
            json.writeEndArray();
            json.writeEndObject();
        } catch (IOException problem) {
            throw new LabFailure("cannot write " + file, problem);
        }
    }

    private static void writeLine(
            JsonGenerator json, Results.Line line, Results results, List<Variant> variants)
            throws IOException {
        json.writeStartObject();
        json.writeStringField("scenario", line.scenario());
        json.writeStringField("measured", line.metric().label());
        json.writeStringField("unit", line.metric().unit());
        json.writeBooleanField("moreIsBetter", line.metric().moreIsBetter());
        json.writeObjectFieldStart("variants");
        for (Variant variant : variants) {
            Optional<Results.Series> series = results.series(line, variant.name());
            if (series.isPresent()) {
                json.writeObjectFieldStart(variant.name());
                json.writeNumberField("median", series.get().median());
                json.writeArrayFieldStart("samples");
                for (double value : series.get().values()) {
                    json.writeNumber(value);
                }
                json.writeEndArray();
                json.writeEndObject();
            }
        }
        json.writeEndObject();
        json.writeObjectFieldStart("ratios");
        for (String[] pair : ReportTable.pairs(variants.stream().map(Variant::name).toList())) {
            Optional<Double> ratio = results.ratio(line, pair[0], pair[1]);
            if (ratio.isPresent()) {
                json.writeNumberField(pair[0] + "/" + pair[1], ratio.get());
            }
        }
        json.writeEndObject();
        json.writeEndObject();
    }
}
