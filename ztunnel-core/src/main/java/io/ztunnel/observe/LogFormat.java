package io.ztunnel.observe;

/// How lines look, chosen by `LOG_FORMAT` (docs/spec/config-observability-dns.md 5.2 and 5.3).
public enum LogFormat {
    PLAIN,
    JSON
}
