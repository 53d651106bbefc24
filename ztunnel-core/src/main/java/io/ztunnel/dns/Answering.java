package io.ztunnel.dns;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.codec.dns.DnsRecordType;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.Workload;
import io.ztunnel.observe.DnsSeries;
import io.ztunnel.observe.Party;
import io.ztunnel.worker.Admission;
import io.ztunnel.worker.PodSlice;
import io.ztunnel.worker.WorkerBudget.Kind;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.Consumer;

/// Answers the questions of one pod: from the mesh, else from what is remembered, else by asking
/// servers (docs/spec/config-observability-dns.md 6.3). Confined to the worker's loop.
final class Answering {
    /// Its scope is `dns`, as in the reference.
    private static final Logger LOG = LoggerFactory.getLogger("dns");

    private static final Logger MISTAKES = LoggerFactory.getLogger(Answering.class);

    private final PodSlice slice;
    private final MeshNames names;
    private final Forwarder forwarder;
    private final AnswerCache cache = new AnswerCache();
    private final AnswerWriter writer;
    private final Random dice;
    private boolean complained;

    Answering(PodSlice slice, MeshNames names, Forwarder forwarder, ByteBufAllocator allocator) {
        this.slice = slice;
        this.names = names;
        this.forwarder = forwarder;
        this.writer = new AnswerWriter(allocator);
        this.dice = Random.from(slice.worker().dice());
    }

    /// How a question came.
    enum Transport {
        UDP("udp"),
        TCP("tcp");

        private final String label;

        Transport(String label) {
            this.label = label;
        }

        int limit(Query query) {
            return this == TCP ? AnswerWriter.STREAM : AnswerWriter.datagram(query);
        }
    }

    ByteBuf malformed(Header header) {
        return writer.malformed(header);
    }

    /// @param reply gets the answer once, perhaps at once, and owns it
    void answer(Query query, Transport transport, Consumer<ByteBuf> reply) {
        if (query.header().opcode() != 0) {
            reply.accept(writer.error(query, UpstreamAnswer.NOT_IMPLEMENTED));
            return;
        }
        Query.Question question = query.question();
        if (question == null) {
            reply.accept(writer.error(query, UpstreamAnswer.SERVER_FAILURE));
            return;
        }
        Asked asked = new Asked(query, question, transport, new Reply(reply));
        guarded(asked, () -> begin(asked));
    }

    private void begin(Asked asked) {
        Workload known = slice.local().find();
        if (known != null) {
            decide(asked, known);
        } else if (hold(asked, Party.unknown())) {
            slice.local()
                    .whenKnown(
                            client -> {
                                letGo();
                                if (client == null) {
                                    series(asked, Party.unknown()).request();
                                    fail(asked, UpstreamAnswer.SERVER_FAILURE);
                                } else {
                                    guarded(asked, () -> decide(asked, client));
                                }
                            });
        }
    }

    /// A question and who waits for its answer.
    private record Asked(Query query, Query.Question question, Transport transport, Reply reply) {
        int limit() {
            return transport.limit(query);
        }
    }

    /// The way back to the client, which is gone once.
    private static final class Reply {
        private final Consumer<ByteBuf> client;
        private boolean given;

        Reply(Consumer<ByteBuf> client) {
            this.client = client;
        }

        void accept(ByteBuf answer) {
            given = true;
            client.accept(answer);
        }
    }

    /// A mistake of ours must not leave a question unanswered: the client, the drain and the budget
    /// all wait for its answer.
    private void guarded(Asked asked, Runnable step) {
        try {
            step.run();
        } catch (RuntimeException mistake) {
            if (!complained) {
                // A pod that knows how to provoke it could fill the log.
                complained = true;
                MISTAKES.error("a question could not be answered", mistake);
            }
            if (!asked.reply().given) {
                fail(asked, UpstreamAnswer.SERVER_FAILURE);
            }
        }
    }

    private void decide(Asked asked, Workload client) {
        Query.Question question = asked.question();
        MeshNames.Known known =
                question.asksForAddresses() && question.plain()
                        ? names.find(
                                question.name(),
                                question.type() == Query.Question.AAAA,
                                client,
                                slice.worker().mesh().mesh())
                        : null;
        if (known == null) {
            forward(asked, client);
            return;
        }
        series(asked, slice.local().party()).request();
        List<IpAddress> addresses = new ArrayList<>(known.addresses());
        Collections.shuffle(addresses, dice);
        String result = addresses.isEmpty() ? "no records" : "success";
        log(
                asked,
                client,
                known.familyServed() ? result : "service does not support this record type",
                addresses.size());
        asked.reply()
                .accept(
                        writer.known(
                                asked.query(), question, known.owner(), addresses, asked.limit()));
    }

    private void forward(Asked asked, Workload client) {
        Party party = slice.local().party();
        // Whose text says less than its bytes is not one of them, whatever it looks like.
        SpecialNames.Meaning special =
                asked.question().plain() ? SpecialNames.of(asked.question()) : null;
        AnswerCache.Remembered remembered =
                special == null
                        ? cache.find(asked.query(), slice.worker().observer().nanoTime())
                        : null;
        if (special == null && remembered == null && !hold(asked, party)) {
            return;
        }
        DnsSeries series = series(asked, party);
        series.request();
        series.forwarded();
        if (special != null) {
            series.forwardEnded(0, special.isEmpty());
            answerSpecially(asked, client, special);
        } else if (remembered != null) {
            series.forwardEnded(0, remembered.answer().isNegative());
            pass(asked, client, remembered.answer(), remembered.age());
        } else {
            long start = slice.worker().observer().nanoTime();
            forwarder.ask(
                    asked.query(),
                    outcome -> {
                        letGo();
                        guarded(asked, () -> end(asked, client, outcome, series, start));
                    });
        }
    }

    private void end(
            Asked asked, Workload client, Forwarder.Outcome outcome, DnsSeries series, long start) {
        long now = slice.worker().observer().nanoTime();
        switch (outcome) {
            case Forwarder.Outcome.Answered(UpstreamAnswer answer) -> {
                series.forwardEnded(now - start, answer.isNegative());
                cache.keep(asked.query(), answer, now);
                pass(asked, client, answer, 0);
            }
            case Forwarder.Outcome.Failed(int code, String why) -> {
                series.forwardEnded(now - start, true);
                log(asked, client, "forwarding failed (" + why + ")", 0);
                fail(asked, code);
            }
        }
    }

    private void pass(Asked asked, Workload client, UpstreamAnswer answer, int age) {
        if (answer.isNegative()) {
            negative(asked, client, answer.code());
            return;
        }
        log(asked, client, "forwarded", answer.answers().size());
        asked.reply().accept(writer.forwarded(asked.query(), answer, age, asked.limit()));
    }

    private void answerSpecially(Asked asked, Workload client, SpecialNames.Meaning meaning) {
        if (!meaning.exists() || meaning.isEmpty()) {
            negative(
                    asked,
                    client,
                    meaning.exists() ? UpstreamAnswer.NO_ERROR : UpstreamAnswer.NO_SUCH_NAME);
            return;
        }
        log(asked, client, "forwarded", 1);
        asked.reply()
                .accept(writer.special(asked.query(), asked.question(), meaning, asked.limit()));
    }

    private void negative(Asked asked, Workload client, int code) {
        String why = code == UpstreamAnswer.NO_SUCH_NAME ? "no such name" : "no such records";
        log(asked, client, "forwarding failed (" + why + ")", 0);
        fail(asked, code);
    }

    private void fail(Asked asked, int code) {
        asked.reply().accept(writer.error(asked.query(), code));
    }

    /// Whether one more of the pod's questions may wait; else it is answered at once, so that the
    /// client need not wait for nothing.
    private boolean hold(Asked asked, Party party) {
        Admission admission = slice.admission();
        if (admission.take(Kind.QUERIES, 1)) {
            return true;
        }
        series(asked, party).request();
        log(asked, slice.local().find(), "forwarding failed (too many are waiting)", 0);
        fail(asked, UpstreamAnswer.SERVER_FAILURE);
        return false;
    }

    private void letGo() {
        slice.admission().give(Kind.QUERIES, 1);
    }

    private DnsSeries series(Asked asked, Party party) {
        return slice.worker()
                .observer()
                .metrics()
                .dns(
                        typeName(asked.question().type()).toLowerCase(Locale.ROOT),
                        asked.transport().label,
                        party);
    }

    private static void log(Asked asked, @Nullable Workload client, String result, int endpoints) {
        if (LOG.isDebugEnabled()) {
            LOG.atDebug()
                    .addKeyValue("src.workload", client == null ? "unknown" : client.name())
                    .addKeyValue("src.namespace", client == null ? "unknown" : client.namespace())
                    .addKeyValue("query", (Object) typeName(asked.question().type()))
                    .addKeyValue("domain", asked.question().name() + ".")
                    .addKeyValue("result", result)
                    .addKeyValue("endpoints", endpoints)
                    .log();
        }
    }

    /// Clients choose among 65536 types, labels do not.
    private static String typeName(int type) {
        return switch (type) {
            case 64 -> "SVCB";
            case 65 -> "HTTPS";
            case 255 -> "ANY";
            default -> {
                String name = DnsRecordType.valueOf(type).name();
                yield name.startsWith("UNKNOWN") ? "unknown" : name;
            }
        };
    }
}
