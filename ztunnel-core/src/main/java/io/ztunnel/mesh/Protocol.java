package io.ztunnel.mesh;

/// How a workload is reached: plain TCP, or through a tunnel that its own node proxy ends.
public enum Protocol {
    TCP,
    HBONE
}
