package io.ztunnel.pod;

import io.ztunnel.net.Netns;
import io.ztunnel.net.PortMembers;
import io.ztunnel.worker.PodInfo;
import io.ztunnel.worker.SliceId;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;

/// Who else listens on the ports of a pod that tunnels and captured connections come to.
///
/// `SO_REUSEPORT` lets in everybody of our user, so a container that runs as root may take a share
/// of its pod's own connections past policy. Another version of this proxy is one more member on
/// all ports, as long as an upgrade takes; a stranger is one more on some, or listens on a single
/// address, which goes before the wildcard. Whoever imitates a proxy on all ports is not found.
///
/// One thread. docs/spec/inpod-and-deployment.md 5.6.
final class PortCensus {
    private static final Logger LOG = LoggerFactory.getLogger(PortCensus.class);

    /// A pod to be looked at.
    ///
    /// @param ours listeners of this process on each port
    record Subject(SliceId id, PodInfo info, Netns netns, int ours, List<Integer> ports) {}

    /// Found in the look before: a proxy that is just binding looks the same.
    private Map<SliceId, SortedSet<Integer>> suspected = new HashMap<>();

    /// For as long as the pod is there: a stranger that comes and goes is one stranger.
    private Map<SliceId, SortedSet<Integer>> reported = new HashMap<>();

    /// Looks into all pods; names each stranger once.
    ///
    /// @return the ports that are shared with strangers, by pod
    List<PortStranger> look(List<Subject> pods) {
        Map<SliceId, SortedSet<Integer>> now = new HashMap<>();
        Map<SliceId, SortedSet<Integer>> told = new HashMap<>();
        List<PortStranger> strangers = new ArrayList<>();
        for (Subject pod : pods) {
            SortedSet<Integer> found = strangersIn(pod);
            now.put(pod.id(), found);
            SortedSet<Integer> sure = new TreeSet<>(found);
            sure.retainAll(suspected.getOrDefault(pod.id(), new TreeSet<>()));
            for (int port : sure) {
                strangers.add(new PortStranger(pod.id().pod(), pod.info(), port));
                if (!reported.getOrDefault(pod.id(), new TreeSet<>()).contains(port)) {
                    LOG.atError()
                            .addKeyValue("pod", pod.info().namespace() + "/" + pod.info().name())
                            .addKeyValue("uid", pod.id().pod())
                            .addKeyValue("port", port)
                            .log("somebody in the pod shares our port and takes connections");
                }
            }
            sure.addAll(reported.getOrDefault(pod.id(), new TreeSet<>()));
            told.put(pod.id(), sure);
        }
        suspected = now;
        reported = told;
        return List.copyOf(strangers);
    }

    private static SortedSet<Integer> strangersIn(Subject pod) {
        Map<Integer, PortMembers.Count> counts;
        try {
            counts =
                    PortMembers.count(
                            pod.netns(), pod.ports().stream().mapToInt(port -> port).toArray());
        } catch (IOException | UncheckedIOException gone) {
            return new TreeSet<>();
        }
        int proxies = Integer.MAX_VALUE;
        for (PortMembers.Count count : counts.values()) {
            proxies = Math.min(proxies, Math.max(0, count.wildcard() - pod.ours()));
        }
        SortedSet<Integer> strangers = new TreeSet<>();
        for (Map.Entry<Integer, PortMembers.Count> each : counts.entrySet()) {
            PortMembers.Count count = each.getValue();
            if (count.wildcard() - pod.ours() > proxies || count.single() > 0) {
                strangers.add(each.getKey());
            }
        }
        return strangers;
    }
}
