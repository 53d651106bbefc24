package io.ztunnel.admin;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;

import io.ztunnel.observe.DumpSection;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.TreeMap;

/// The whole of `/config_dump`: one JSON object of the registered sections, sorted by key, two
/// spaces of indentation (docs/spec/config-observability-dns.md 2.3).
///
/// Consumers want every top-level key; one that nobody registers is written empty. Registering
/// replaces. Any thread; [#write] on `zt-admin`.
public final class ConfigDump {
    private static final JsonFactory FACTORY = new JsonFactory();

    private final Map<String, DumpSection> sections = new TreeMap<>();

    /// A dump with every key consumers expect, empty until something is registered.
    public ConfigDump() {
        for (String array : new String[] {"certificates", "policies", "services", "workloads"}) {
            empty(array, true);
        }
        for (String object : new String[] {"config", "stagedServices", "version"}) {
            empty(object, false);
        }
        empty("workloadState", false);
        sections.put("staticConfig", new EmptyStaticConfig());
    }

    public synchronized void register(DumpSection section) {
        sections.put(section.name(), section);
    }

    synchronized byte[] write() {
        ByteArrayOutputStream out = new ByteArrayOutputStream(64 << 10);
        try (JsonGenerator json = FACTORY.createGenerator(out)) {
            json.setPrettyPrinter(printer());
            json.writeStartObject();
            for (DumpSection section : sections.values()) {
                json.writeFieldName(section.name());
                section.write(json);
            }
            json.writeEndObject();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed.getMessage(), failed);
        }
        return out.toByteArray();
    }

    /// Two spaces, no blank before a colon, empty arrays and objects without a blank inside.
    static DefaultPrettyPrinter printer() {
        Separators separators =
                Separators.createDefaultInstance()
                        .withObjectFieldValueSpacing(Separators.Spacing.AFTER)
                        .withObjectEmptySeparator("")
                        .withArrayEmptySeparator("");
        DefaultPrettyPrinter printer = new DefaultPrettyPrinter(separators);
        DefaultIndenter indenter = new DefaultIndenter("  ", "\n");
        printer.indentArraysWith(indenter);
        printer.indentObjectsWith(indenter);
        return printer;
    }

    private void empty(String key, boolean array) {
        sections.put(
                key,
                new DumpSection() {
                    @Override
                    public String name() {
                        return key;
                    }

                    @Override
                    public void write(JsonGenerator json) throws IOException {
                        if (array) {
                            json.writeStartArray();
                            json.writeEndArray();
                        } else {
                            json.writeStartObject();
                            json.writeEndObject();
                        }
                    }
                });
    }

    private static final class EmptyStaticConfig implements DumpSection {
        @Override
        public String name() {
            return "staticConfig";
        }

        @Override
        public void write(JsonGenerator json) throws IOException {
            json.writeStartObject();
            for (String array : new String[] {"policies", "services", "workloads"}) {
                json.writeArrayFieldStart(array);
                json.writeEndArray();
            }
            json.writeEndObject();
        }
    }
}
