package io.ztunnel.inpod;

import io.ztunnel.net.NetnsId;
import io.ztunnel.worker.PodInfo;
import io.ztunnel.worker.PodUid;

/// What follows from an event, decided by [PodRegistry] and carried out by [PodSupervisor].
///
/// An instance is one pod in one namespace handed over once. It keeps its number over attempts; a
/// pod added again with another namespace is another instance.
sealed interface PodAction {
    /// Open listeners, for the first time.
    record Start(long instance, PodUid uid, PodInfo info, NetnsId netns) implements PodAction {}

    /// Let go of one instance, whatever its state, and start another of the same pod. The old one
    /// is not waited for.
    record Replace(long old, Start start) implements PodAction {}

    /// Let go of an instance at once, whatever its state, without waiting for its end.
    record Stop(long instance, PodUid uid) implements PodAction {}

    /// An attempt for this very instance is under way: its end is the answer.
    record Await(long instance) implements PodAction {}

    /// The attempt failed: try again in a while.
    record RetryLater(long instance) implements PodAction {}

    /// Try again now.
    record Retry(long instance, PodUid uid, PodInfo info) implements PodAction {}

    /// Answer that the pod cannot be started; there is nothing to try again with.
    record Refuse(PodUid uid, String reason) implements PodAction {}

    /// The agent keeps a pod that does not run here: it stays without a proxy until it is added.
    record ReportUnknown(PodUid uid) implements PodAction {}

    /// Answer that we do not know such requests.
    record NotUnderstood(String reason) implements PodAction {}

    /// The agent broke the protocol: answer so and end the conversation.
    record Violation(String reason) implements PodAction {}
}
