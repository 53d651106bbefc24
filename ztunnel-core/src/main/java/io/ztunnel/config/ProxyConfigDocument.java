package io.ztunnel.config;

import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// The five keys of Istio's ProxyConfig that matter here (docs/spec/config-observability-dns.md
/// 1.2). Unknown keys are ignored, `proxyMetadata` is optional.
record ProxyConfigDocument(
        @Nullable String discoveryAddress,
        @Nullable Integer proxyAdminPort,
        @Nullable Integer statsPort,
        @Nullable Integer concurrency,
        Map<String, String> proxyMetadata) {

    static final ProxyConfigDocument EMPTY =
            new ProxyConfigDocument(null, null, null, null, Map.of());

    /// Reads a mesh file, of which only `defaultConfig` counts.
    ///
    /// @throws IllegalArgumentException saying what is wrong
    static ProxyConfigDocument ofMeshFile(String yaml) {
        Object document = load(yaml);
        return document instanceof Map<?, ?> mesh
                ? of(mesh.get("defaultConfig"))
                : of(document == null ? null : "a text");
    }

    /// Reads the text of `PROXY_CONFIG`, YAML or JSON.
    ///
    /// @throws IllegalArgumentException saying what is wrong
    static ProxyConfigDocument ofText(String yaml) {
        return of(load(yaml));
    }

    /// This document, with what the other says in its place key by key.
    ProxyConfigDocument overriddenBy(ProxyConfigDocument other) {
        Map<String, String> metadata = new TreeMap<>(proxyMetadata);
        metadata.putAll(other.proxyMetadata);
        return new ProxyConfigDocument(
                other.discoveryAddress == null ? discoveryAddress : other.discoveryAddress,
                other.proxyAdminPort == null ? proxyAdminPort : other.proxyAdminPort,
                other.statsPort == null ? statsPort : other.statsPort,
                other.concurrency == null ? concurrency : other.concurrency,
                metadata);
    }

    private static @Nullable Object load(String yaml) {
        try {
            List<Object> documents = new java.util.ArrayList<>();
            new Load(LoadSettings.builder().setAllowDuplicateKeys(false).build())
                    .loadAllFromString(yaml)
                    .forEach(documents::add);
            return documents.isEmpty() ? null : documents.getFirst();
        } catch (YamlEngineException malformed) {
            throw new IllegalArgumentException(
                    String.valueOf(malformed.getMessage()).strip().replaceAll("\\s*\\n\\s*", "; "),
                    malformed);
        }
    }

    private static ProxyConfigDocument of(@Nullable Object value) {
        if (value == null) {
            return EMPTY;
        }
        if (!(value instanceof Map<?, ?> keys)) {
            throw new IllegalArgumentException("expected a map of keys");
        }
        Object address = keys.get("discoveryAddress");
        return new ProxyConfigDocument(
                address == null ? null : address.toString(),
                u16(keys, "proxyAdminPort"),
                u16(keys, "statsPort"),
                u16(keys, "concurrency"),
                metadata(keys.get("proxyMetadata")));
    }

    private static @Nullable Integer u16(Map<?, ?> keys, String key) {
        Object value = keys.get(key);
        if (value == null) {
            return null;
        }
        if (value instanceof Integer number && number >= 0 && number <= 0xffff) {
            return number;
        }
        throw new IllegalArgumentException(key + ": expected a number from 0 to 65535: " + value);
    }

    private static Map<String, String> metadata(@Nullable Object value) {
        if (value == null) {
            return Map.of();
        }
        if (!(value instanceof Map<?, ?> entries)) {
            throw new IllegalArgumentException("proxyMetadata: expected a map of texts");
        }
        Map<String, String> metadata = new TreeMap<>();
        entries.forEach(
                (key, text) ->
                        metadata.put(String.valueOf(key), text == null ? "" : text.toString()));
        return metadata;
    }
}
