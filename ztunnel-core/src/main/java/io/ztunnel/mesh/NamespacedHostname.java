package io.ztunnel.mesh;

/// The key of a service: its namespace and its host name. Text form `<namespace>/<hostname>`.
public record NamespacedHostname(String namespace, String hostname) implements GatewayDestination {

    @Override
    public String toString() {
        return namespace + "/" + hostname;
    }
}
