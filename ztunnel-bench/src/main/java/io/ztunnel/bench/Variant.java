package io.ztunnel.bench;

import java.util.List;

/// One of the things that are compared.
///
/// @param name as in tables and files
/// @param command what starts one proxy, empty for no proxy
record Variant(String name, Kind kind, List<String> command) {
    static final String DIRECT = "direct";
    static final String HAPROXY = "haproxy";
    static final String OURS = "ours";
    /// Our daemon a second time: its distance from the first is the noise of the machine.
    static final String AGAIN = "again";
    static final String UPSTREAM = "upstream";

    enum Kind {
        DIRECT,
        HAPROXY,
        ZTUNNEL
    }
}
