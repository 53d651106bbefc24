package io.ztunnel.worker;

/// Which instance of a pod a slice belongs to: a pod that comes again in a new namespace may start
/// while its older instance is still ending.
///
/// @param instance counts up, different for every start of the process's pods
public record SliceId(PodUid pod, long instance) {}
