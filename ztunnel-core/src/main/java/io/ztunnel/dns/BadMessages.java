package io.ztunnel.dns;

import io.ztunnel.observe.Observer;
import io.ztunnel.worker.PodInfo;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Counts messages that make no sense. The first one of a pod is told; who sends them must not
/// write our log. Confined to the worker's loop.
final class BadMessages {
    private static final Logger LOG = LoggerFactory.getLogger(BadMessages.class);

    private final Observer observer;
    private final PodInfo pod;
    private boolean told;

    BadMessages(Observer observer, PodInfo pod) {
        this.observer = observer;
        this.pod = pod;
    }

    /// @param reason a constant
    void count(String reason) {
        observer.metrics().badDnsMessage(reason);
        if (!told) {
            told = true;
            LOG.atWarn()
                    .addKeyValue("pod", pod.namespace() + "/" + pod.name())
                    .addKeyValue("reason", reason)
                    .log("a DNS message makes no sense; further ones are only counted");
        }
    }
}
