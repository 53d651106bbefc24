package io.ztunnel.bench;

/// Where a client connects to; with haproxy that is the proxy in its own pod.
record Target(String host, int port) {
    /// As the programs in the pods read it.
    String words() {
        return host + " " + port;
    }
}
