package io.ztunnel.mesh;

/// Where a workload runs; every part may be empty.
public record Locality(String region, String zone, String subzone) {

    public static final Locality UNKNOWN = new Locality("", "", "");
}
