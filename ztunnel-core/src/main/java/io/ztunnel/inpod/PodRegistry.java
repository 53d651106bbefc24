package io.ztunnel.inpod;

import io.ztunnel.inpod.PodAction.Await;
import io.ztunnel.inpod.PodAction.NotUnderstood;
import io.ztunnel.inpod.PodAction.Refuse;
import io.ztunnel.inpod.PodAction.Replace;
import io.ztunnel.inpod.PodAction.ReportUnknown;
import io.ztunnel.inpod.PodAction.Retry;
import io.ztunnel.inpod.PodAction.RetryLater;
import io.ztunnel.inpod.PodAction.Start;
import io.ztunnel.inpod.PodAction.Stop;
import io.ztunnel.inpod.PodAction.Violation;
import io.ztunnel.net.NetnsId;
import io.ztunnel.worker.PodInfo;
import io.ztunnel.worker.PodUid;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Which pods there are, and what each event means for them (docs/spec/inpod-and-deployment.md
/// 1.8).
///
/// Nothing but rules: no sockets, no clock, no logging. One thread.
///
/// A pod that could not be started is not forgotten when the agent reconnects. We still hold its
/// namespace, while an agent that was restarted may not find it again and then only says that the
/// pod exists. The snapshot's end removes what has gone.
///
/// A pod that is named differently is started anew: its name, namespace and service account are
/// what its certificate says.
final class PodRegistry {
    private enum State {
        STARTING,
        RUNNING,
        /// The last attempt failed.
        PENDING
    }

    private record Pod(long instance, PodInfo info, NetnsId netns, State state) {
        Pod now(State next) {
            return new Pod(instance, info, netns, next);
        }
    }

    private final Map<PodUid, Pod> pods = new LinkedHashMap<>();

    /// Pods named since the agent connected; of no interest after the snapshot.
    private final Set<PodUid> named = new HashSet<>();

    private boolean snapshotReceived;
    private long lastInstance;

    /// A new conversation begins; pods go on as they are.
    void connected() {
        named.clear();
        snapshotReceived = false;
    }

    List<PodAction> on(ZdsMessage message) {
        return switch (message) {
            case ZdsMessage.Add add -> onAdd(add.uid(), add.info(), add.netns());
            case ZdsMessage.AddUnusable add -> onUnusable(add);
            case ZdsMessage.Keep keep -> onKeep(keep.uid());
            case ZdsMessage.Delete delete -> onDelete(delete.uid());
            case ZdsMessage.SnapshotSent _ -> onSnapshotSent();
            case ZdsMessage.Unknown unknown ->
                    List.of(new NotUnderstood("unknown request " + unknown.field()));
        };
    }

    /// All listeners of an instance are bound. If it is not wanted any more, it has to stop.
    List<PodAction> started(PodUid uid, long instance) {
        Pod pod = current(uid, instance);
        if (pod == null) {
            return List.of(new Stop(instance, uid));
        }
        pods.put(uid, pod.now(State.RUNNING));
        return List.of();
    }

    /// An attempt failed.
    List<PodAction> failed(PodUid uid, long instance) {
        Pod pod = current(uid, instance);
        if (pod == null) {
            return List.of();
        }
        pods.put(uid, pod.now(State.PENDING));
        return List.of(new RetryLater(instance));
    }

    /// The time of [RetryLater] has come.
    List<PodAction> retryDue(PodUid uid, long instance) {
        Pod pod = current(uid, instance);
        if (pod == null || pod.state() != State.PENDING) {
            return List.of();
        }
        pods.put(uid, pod.now(State.STARTING));
        return List.of(new Retry(instance, uid, pod.info()));
    }

    boolean snapshotReceived() {
        return snapshotReceived;
    }

    int running() {
        return (int) pods.values().stream().filter(pod -> pod.state() == State.RUNNING).count();
    }

    /// Pods that are wanted and have no bound listeners, attempts under way included.
    int pending() {
        return pods.size() - running();
    }

    private List<PodAction> onAdd(PodUid uid, @Nullable PodInfo info, NetnsId netns) {
        if (info == null) {
            return withoutInfo(uid);
        }
        name(uid);
        Pod known = pods.get(uid);
        if (known != null && known.netns().equals(netns) && known.info().equals(info)) {
            switch (known.state()) {
                case RUNNING -> {
                    return List.of();
                }
                case STARTING -> {
                    return List.of(new Await(known.instance()));
                }
                case PENDING -> {
                    // The agent asks, so there is no point in waiting for the retry.
                }
            }
        }
        Start start = new Start(++lastInstance, uid, info, netns);
        pods.put(uid, new Pod(start.instance(), info, netns, State.STARTING));
        return List.of(known == null ? start : new Replace(known.instance(), start));
    }

    private List<PodAction> onUnusable(ZdsMessage.AddUnusable add) {
        if (add.info() == null) {
            return withoutInfo(add.uid());
        }
        // Named before anything can fail: a pod that runs from an earlier, better descriptor goes
        // on.
        name(add.uid());
        return List.of(new Refuse(add.uid(), add.reason()));
    }

    private List<PodAction> onKeep(PodUid uid) {
        if (snapshotReceived) {
            return List.of(new Violation("keep of " + uid + " after the end of the snapshot"));
        }
        name(uid);
        return pods.containsKey(uid) ? List.of() : List.of(new ReportUnknown(uid));
    }

    private List<PodAction> onDelete(PodUid uid) {
        named.remove(uid);
        Pod known = pods.get(uid);
        if (known == null) {
            return List.of();
        }
        if (!snapshotReceived && known.state() == State.RUNNING) {
            // The end of the snapshot stops it, unless the agent adds it again before.
            return List.of();
        }
        pods.remove(uid);
        return List.of(new Stop(known.instance(), uid));
    }

    private List<PodAction> onSnapshotSent() {
        if (snapshotReceived) {
            return List.of(new Violation("a second end of the snapshot"));
        }
        snapshotReceived = true;
        List<PodAction> stops = new ArrayList<>();
        Iterator<Map.Entry<PodUid, Pod>> all = pods.entrySet().iterator();
        while (all.hasNext()) {
            Map.Entry<PodUid, Pod> each = all.next();
            if (!named.contains(each.getKey())) {
                stops.add(new Stop(each.getValue().instance(), each.getKey()));
                all.remove();
            }
        }
        named.clear();
        return stops;
    }

    private void name(PodUid uid) {
        if (!snapshotReceived) {
            named.add(uid);
        }
    }

    private @Nullable Pod current(PodUid uid, long instance) {
        Pod pod = pods.get(uid);
        return pod != null && pod.instance() == instance ? pod : null;
    }

    private static List<PodAction> withoutInfo(PodUid uid) {
        return List.of(new Violation("add of " + uid + " without workload_info"));
    }
}
