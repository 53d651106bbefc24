package io.ztunnel.dns;

import io.ztunnel.dns.Forwarder.Outcome;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.BiConsumer;

/// One question on its way to the servers. Two are asked at a time, the best ones first; the first
/// useful answer counts. A server that is silent is asked again later, one that fails is not.
///
/// Confined to the worker's loop.
final class Exchange {
    static final String ENDING = "the pod is ending";

    private static final int AT_A_TIME = 2;

    private final Forwarder forwarder;
    private final Query query;
    private final BiConsumer<Exchange, Outcome> then;
    private final Deque<Integer> next = new ArrayDeque<>();
    private final List<Asking> asking = new ArrayList<>();
    private final int[] attempts;
    private Outcome.@Nullable Failed failure;
    private boolean over;

    Exchange(Forwarder forwarder, Query query, BiConsumer<Exchange, Outcome> then) {
        this.forwarder = forwarder;
        this.query = query;
        this.then = then;
        attempts = new int[forwarder.settings().servers().size()];
    }

    Query query() {
        return query;
    }

    Forwarder forwarder() {
        return forwarder;
    }

    void start() {
        next.addAll(forwarder.ranks().order());
        askMore();
    }

    private void askMore() {
        while (!over && asking.size() < AT_A_TIME && !next.isEmpty()) {
            int server = next.removeFirst();
            attempts[server]++;
            Asking one = new Asking(this, server);
            asking.add(one);
            one.start();
        }
        if (!over && asking.isEmpty()) {
            end(
                    failure != null
                            ? failure
                            : new Outcome.Failed(UpstreamAnswer.SERVER_FAILURE, "no server"));
        }
    }

    /// A server has answered, with whatever code.
    void answered(Asking one, UpstreamAnswer answer, long nanos) {
        asking.remove(one);
        if (answer.code() == UpstreamAnswer.NO_ERROR
                || answer.code() == UpstreamAnswer.NO_SUCH_NAME) {
            forwarder.ranks().answered(one.server(), nanos);
            end(new Outcome.Answered(answer));
            return;
        }
        forwarder.ranks().failed(one.server());
        failure = new Outcome.Failed(answer.code(), "code " + answer.code());
        askMore();
    }

    /// A server cannot be asked.
    void failed(Asking one, String why) {
        asking.remove(one);
        forwarder.ranks().failed(one.server());
        remember(why);
        askMore();
    }

    /// A server is silent.
    void timedOut(Asking one) {
        asking.remove(one);
        forwarder.ranks().failed(one.server());
        remember("deadline has elapsed");
        if (attempts[one.server()] < forwarder.settings().attempts()) {
            next.addLast(one.server());
        }
        askMore();
    }

    /// What a server has said tells more than that another one said nothing.
    private void remember(String why) {
        if (failure == null) {
            failure = new Outcome.Failed(UpstreamAnswer.SERVER_FAILURE, why);
        }
    }

    void giveUp() {
        end(new Outcome.Failed(UpstreamAnswer.SERVER_FAILURE, ENDING));
    }

    private void end(Outcome outcome) {
        if (over) {
            return;
        }
        over = true;
        for (Asking each : asking.toArray(new Asking[0])) {
            each.close();
        }
        asking.clear();
        then.accept(this, outcome);
    }
}
