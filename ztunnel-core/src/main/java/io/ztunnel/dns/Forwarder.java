package io.ztunnel.dns;

import io.netty.channel.EventLoop;
import io.ztunnel.net.Dialer;
import io.ztunnel.net.Netns;
import io.ztunnel.worker.Admission;

import java.security.SecureRandom;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.function.Consumer;

/// Asks servers for one pod on one worker, from the pod's own namespace
/// (docs/spec/config-observability-dns.md 6.7). Confined to the worker's loop.
///
/// Nobody can answer in a server's place without seeing the question: each question has a socket,
/// hence a port, and an id of its own, both drawn at random.
final class Forwarder {
    private static final SecureRandom RANDOM = new SecureRandom();

    private final EventLoop loop;
    private final Netns netns;
    private final int mark;
    private final Dialer dialer;
    private final Admission admission;
    private final DnsSettings settings;
    private final BadMessages bad;
    private final ServerRanks ranks;
    private final Set<Exchange> underWay = new LinkedHashSet<>();
    private final byte[] ids = new byte[64];
    private int nextId = ids.length;
    private boolean closed;

    /// @param dialer for the pod's namespace, as is `netns`
    /// @param mark of datagrams to servers, 0 for none
    Forwarder(
            EventLoop loop,
            Netns netns,
            int mark,
            Dialer dialer,
            Admission admission,
            DnsSettings settings,
            BadMessages bad) {
        this.loop = loop;
        this.netns = netns;
        this.mark = mark;
        this.dialer = dialer;
        this.admission = admission;
        this.settings = settings;
        this.bad = bad;
        this.ranks = new ServerRanks(settings.servers().size());
    }

    /// How asking ended.
    sealed interface Outcome {
        /// @param answer with records or saying that there are none, but no error
        record Answered(UpstreamAnswer answer) implements Outcome {}

        /// @param code what the client is told
        record Failed(int code, String why) implements Outcome {}
    }

    /// Calls back once: later, or at once where nobody can be asked.
    void ask(Query query, Consumer<Outcome> then) {
        if (closed) {
            then.accept(new Outcome.Failed(UpstreamAnswer.SERVER_FAILURE, Exchange.ENDING));
            return;
        }
        Exchange exchange =
                new Exchange(
                        this,
                        query,
                        (it, outcome) -> {
                            underWay.remove(it);
                            then.accept(outcome);
                        });
        underWay.add(exchange);
        exchange.start();
    }

    /// Everybody who waits is told that nothing comes, and so is whoever asks from now on.
    void close() {
        closed = true;
        for (Exchange each : underWay.toArray(new Exchange[0])) {
            each.giveUp();
        }
    }

    EventLoop loop() {
        return loop;
    }

    Netns netns() {
        return netns;
    }

    int mark() {
        return mark;
    }

    Dialer dialer() {
        return dialer;
    }

    Admission admission() {
        return admission;
    }

    DnsSettings settings() {
        return settings;
    }

    BadMessages bad() {
        return bad;
    }

    ServerRanks ranks() {
        return ranks;
    }

    /// The generator of the process is locked, so it is asked for many at once.
    int newId() {
        if (nextId == ids.length) {
            RANDOM.nextBytes(ids);
            nextId = 0;
        }
        return (ids[nextId++] & 0xff) << 8 | (ids[nextId++] & 0xff);
    }
}
