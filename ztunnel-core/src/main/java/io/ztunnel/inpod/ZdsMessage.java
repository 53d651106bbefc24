package io.ztunnel.inpod;

import io.ztunnel.net.NetnsId;
import io.ztunnel.worker.PodInfo;
import io.ztunnel.worker.PodUid;

import org.jspecify.annotations.Nullable;

/// What the node agent tells us (docs/spec/inpod-and-deployment.md 1.2 and 1.3).
sealed interface ZdsMessage {
    /// A pod belongs to the mesh.
    ///
    /// @param info null where the agent left it out, which it must not
    /// @param netns identity of the namespace that came along
    record Add(PodUid uid, @Nullable PodInfo info, NetnsId netns) implements ZdsMessage {}

    /// As [Add], but what came along is of no use: no network namespace, or our own.
    ///
    /// @param reason for the answer and the log
    record AddUnusable(PodUid uid, @Nullable PodInfo info, String reason) implements ZdsMessage {}

    /// The pod still exists, but the agent does not have its namespace at hand.
    record Keep(PodUid uid) implements ZdsMessage {}

    record Delete(PodUid uid) implements ZdsMessage {}

    /// All pods of the node have been named.
    record SnapshotSent() implements ZdsMessage {}

    /// A request that is well-formed and of a kind we do not know, as a newer agent may send.
    ///
    /// @param field number of its payload
    record Unknown(int field) implements ZdsMessage {}
}
