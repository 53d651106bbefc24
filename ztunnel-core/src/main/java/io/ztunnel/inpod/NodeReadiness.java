package io.ztunnel.inpod;

import io.ztunnel.lifecycle.Hold;
import io.ztunnel.lifecycle.Readiness;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Whether this node may be called ready, as far as its pods are concerned
/// (docs/spec/inpod-and-deployment.md 1.8 and 5.5).
///
/// Ready once the agent has named all pods and each of them is bound. A pod that cannot be bound is
/// waited for only so long: otherwise whoever occupies port 15008 in a pod of his own keeps every
/// later version of the node proxy from rolling out. Where not a single pod could be bound the node
/// itself is at fault, and stays not ready. Once ready, a pod that fails later changes nothing
/// until the conversation is lost.
///
/// One thread.
final class NodeReadiness {
    private static final Logger LOG = LoggerFactory.getLogger(NodeReadiness.class);

    private final Readiness readiness;
    private @Nullable Hold hold;
    private boolean over;

    NodeReadiness(Readiness readiness) {
        this.readiness = readiness;
        this.hold = readiness.hold(Readiness.WORKLOAD_PROXY_MANAGER);
    }

    boolean isReady() {
        return hold == null;
    }

    /// Looks again.
    ///
    /// @param up pods that are bound
    /// @param wanted all pods
    /// @param stillWaitedFor pods that are not bound and whose time has not passed
    void judge(boolean snapshotReceived, int up, int wanted, int stillWaitedFor) {
        Hold held = hold;
        if (over || held == null || !snapshotReceived || stillWaitedFor > 0) {
            return;
        }
        if (wanted > 0 && up == 0) {
            return;
        }
        if (up < wanted) {
            LOG.atWarn().addKeyValue("pods", wanted - up).log("ready, but not for every pod");
        }
        hold = null;
        held.close();
    }

    /// The conversation is lost.
    void lost() {
        if (hold == null) {
            hold = readiness.hold(Readiness.WORKLOAD_PROXY_MANAGER);
        }
    }

    /// The process is ending: not ready, for good.
    void end() {
        over = true;
        lost();
    }
}
