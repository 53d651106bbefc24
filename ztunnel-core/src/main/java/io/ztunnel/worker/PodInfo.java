package io.ztunnel.worker;

/// Which pod a slice serves, in the words of the CNI node agent or of `PROXY_WORKLOAD_INFO`.
public record PodInfo(String name, String namespace, String serviceAccount) {}
