package io.ztunnel.demo;

import io.ztunnel.testkit.Pod;

/// A pod of the story and who runs in it.
record Role(Pod pod, String node) {
    static final String NAMESPACE = "default";

    String name() {
        return pod.name();
    }

    String ip() {
        return pod.ipv4().getHostAddress();
    }

    /// As a certificate names it; each pod has a service account of its own name.
    String spiffe() {
        return "spiffe://" + principal();
    }

    /// As a policy names it.
    String principal() {
        return "cluster.local/ns/" + NAMESPACE + "/sa/" + name();
    }
}
