package io.ztunnel.net.linux;

/// Device and inode of an open file: two descriptors name the same thing iff both are equal.
public record FileIdentity(long device, long inode) {}
