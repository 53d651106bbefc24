package io.ztunnel.observe;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Writes what is known of the CNI node agent into a scrape. Families without samples are left out.
final class NodeExposition {
    private final LineBuffer out;

    NodeExposition(LineBuffer out) {
        this.out = out;
    }

    void write(NodeAgentFacts facts) {
        known(Metric.AGENT_CONNECTED, facts.connected() ? 1 : 0);
        known(Metric.AGENT_CONVERSATIONS, facts.conversations());
        labelled(Metric.AGENT_ENDS, "reason", facts.ends());
        labelled(Metric.AGENT_NACKS, "reason", facts.refusals());
        answers(facts.answers());
        known(Metric.POD_START_FAILURES, facts.startFailures());
        known(Metric.PODS_WITHOUT_NAMESPACE, facts.withoutNamespace());
        labelled(Metric.POD_BIND_FAILURES, "port", facts.refusedPorts());
        known(Metric.PODS_KEPT_WITHOUT_PROXY, facts.keptUnknown());
    }

    private void answers(NodeAgentFacts.Answers answers) {
        String family = Metric.AGENT_ANSWER_SECONDS.family();
        List<Double> bounds = NodeAgentFacts.Answers.BOUNDS;
        out.text(Metric.AGENT_ANSWER_SECONDS.header());
        long below = 0;
        for (int i = 0; i <= bounds.size(); i++) {
            below += answers.counts().get(i);
            String bound = i == bounds.size() ? "+Inf" : Double.toString(bounds.get(i));
            out.text(family).text("_bucket{le=\"").text(bound).text("\"} ");
            out.number(below).put('\n');
        }
        out.text(family).text("_sum ").text(Double.toString(answers.sum())).put('\n');
        out.text(family).text("_count ").number(below).put('\n');
    }

    private void labelled(Metric metric, String label, Map<?, Long> values) {
        if (values.isEmpty()) {
            return;
        }
        out.text(metric.header());
        Map<String, Long> sorted = new TreeMap<>();
        values.forEach((key, value) -> sorted.put(key.toString(), value));
        sorted.forEach(
                (key, value) -> {
                    out.text(metric.sample()).put('{').text(Metrics.labels(label, key));
                    out.text("} ").number(value).put('\n');
                });
    }

    private void known(Metric metric, long value) {
        out.text(metric.header());
        out.text(metric.sample()).put(' ').number(value).put('\n');
    }
}
