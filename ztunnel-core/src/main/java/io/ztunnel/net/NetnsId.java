package io.ztunnel.net;

/// Which network namespace: equal ids are the same namespace for as long as one of them is open
/// (docs/spec/inpod-and-deployment.md 2.1; inodes are recycled afterwards).
///
/// @param device device number of the namespace file system
/// @param inode inode number, the number in `net:[4026531840]`
public record NetnsId(long device, long inode) {}
