package io.ztunnel.bench;

/// What the kernel is told about a pod before anything is measured, the same for every variant.
final class NetworkSettings {
    private NetworkSettings() {}

    static void apply(Pod pod) {
        // A host's default of bbr paces even a virtual wire, to a third of its speed.
        pod.run("sysctl", "-qw", "net.ipv4.tcp_congestion_control=reno");
        // Ten thousands of short connections: their ends must not fill the port range.
        pod.run("sysctl", "-qw", "net.ipv4.ip_local_port_range=20000 64999");
        pod.run("sysctl", "-qw", "net.ipv4.tcp_max_tw_buckets=2048");
        pod.run("sysctl", "-qw", "net.ipv4.tcp_tw_reuse=1");
        pod.run("sysctl", "-qw", "net.core.somaxconn=8192");
        pod.run("sysctl", "-qw", "net.ipv4.tcp_max_syn_backlog=8192");
    }

    /// Closed connections leave the tracking table at once; it is of one size for all namespaces.
    static void forgetClosedConnections(Pod pod) {
        String timeout = "net.netfilter.nf_conntrack_tcp_timeout_";
        pod.run("sysctl", "-qw", timeout + "time_wait=1", timeout + "close=1");
    }
}
