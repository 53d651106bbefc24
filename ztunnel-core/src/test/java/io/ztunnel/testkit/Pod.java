package io.ztunnel.testkit;

import java.net.InetAddress;

/// A pod of the world.
///
/// @param name as given, unique on its node
/// @param namespace where its processes run
public record Pod(String name, Namespace namespace, InetAddress ipv4, InetAddress ipv6) {

    /// Installs redirection as the CNI plugin would.
    public Pod redirected(Redirection redirection) {
        redirection.install(namespace);
        return this;
    }
}
