package io.ztunnel.observe;

import com.fasterxml.jackson.core.JsonGenerator;

import java.io.IOException;

/// One top-level key of `/config_dump` (docs/spec/config-observability-dns.md 2.3).
///
/// Called on `zt-admin`; what it shows must be immutable or safe to read from there.
public interface DumpSection {

    /// The key, as consumers know it.
    String name();

    /// Writes exactly one JSON value. Object keys are written in alphabetical order: consumers
    /// compare.
    void write(JsonGenerator json) throws IOException;
}
