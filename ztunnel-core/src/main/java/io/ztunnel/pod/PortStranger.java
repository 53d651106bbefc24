package io.ztunnel.pod;

import io.ztunnel.worker.PodInfo;
import io.ztunnel.worker.PodUid;

/// A port of ours in a pod on which somebody else listens, too.
public record PortStranger(PodUid pod, PodInfo info, int port) {}
