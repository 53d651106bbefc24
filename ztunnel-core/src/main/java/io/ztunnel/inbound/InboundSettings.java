package io.ztunnel.inbound;

import java.util.Set;

/// @param network the network of this node, empty for the default one
/// @param illegalPorts our own ports: no application is reached there
/// @param keepSource whether the application sees the client's address
/// @param baggage whether answers carry our baggage and peers' baggage is read
///     (`ENABLE_RESPONSE_BAGGAGE`)
/// @param policyInfo whether verdicts are logged at INFO (`AUTHZ_POLICY_INFO_LOGGING`)
public record InboundSettings(
        String network,
        Set<Integer> illegalPorts,
        boolean keepSource,
        boolean baggage,
        boolean policyInfo) {}
