package io.ztunnel.bench;

/// What is measured, in which unit, and which way is better.
enum Metric {
    BULK_RATE("rate", "Gbit/s", true),
    CPU_PER_GB("cpu", "CPU ms/GB", false),
    REQUEST_RATE("rate", "req/s", true),
    CPU_PER_REQUEST("cpu", "CPU us/req", false),
    CONNECTION_RATE("rate", "conn/s", true),
    CPU_PER_CONNECTION("cpu", "CPU us/conn", false),
    DIALS_PER_CONNECTION("dials", "dials/conn", false),
    P50("p50", "us", false),
    P99("p99", "us", false),
    BESIDE_RATE("bulk-beside", "Gbit/s", true),
    ALONE_P50("p50-alone", "us", false),
    ALONE_P99("p99-alone", "us", false),
    BESIDE_P50("p50-beside", "us", false),
    BESIDE_P99("p99-beside", "us", false),
    FLOOD_RATE("flood", "conn/s", true),
    READY("exec-to-ready", "ms", false),
    FIRST_BYTE("ready-to-first-byte", "ms", false),
    SECOND_CONNECTION("second-connection", "ms", false),
    FIRST_SECOND("first-second", "conn/s", true),
    MEMORY_IDLE("idle", "MB", false),
    MEMORY_HELD("held", "MB", false),
    MEMORY_PER_CONNECTION("per-connection", "KB", false),
    MEMORY_RELEASED("released", "MB", false);

    private final String label;
    private final String unit;
    private final boolean moreIsBetter;

    Metric(String label, String unit, boolean moreIsBetter) {
        this.label = label;
        this.unit = unit;
        this.moreIsBetter = moreIsBetter;
    }

    String label() {
        return label;
    }

    String unit() {
        return unit;
    }

    boolean moreIsBetter() {
        return moreIsBetter;
    }
}
