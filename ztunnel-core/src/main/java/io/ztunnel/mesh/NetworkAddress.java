package io.ztunnel.mesh;

/// An address within one network of the mesh; the default network has the empty name.
///
/// Text form `<network>/<ip>`, so an address of the default network starts with a slash.
public record NetworkAddress(String network, IpAddress ip) implements GatewayDestination {

    @Override
    public String toString() {
        return network + "/" + ip;
    }
}
