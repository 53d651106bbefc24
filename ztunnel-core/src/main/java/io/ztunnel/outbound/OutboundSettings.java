package io.ztunnel.outbound;

import java.util.Set;

/// @param network the network of this node, empty for the default one
/// @param illegalPorts our own ports: a loopback destination with one of them is a call to
/// ourselves
public record OutboundSettings(String network, Set<Integer> illegalPorts) {}
