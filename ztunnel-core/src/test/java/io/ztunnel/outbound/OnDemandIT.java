package io.ztunnel.outbound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ztunnel.mesh.MeshSnapshot;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/// Connections to what the control plane has to be asked for (docs/spec/control-plane.md 2.11),
/// with a control plane that a test plays. With the real stream: `OnDemandNetnsIT` of
/// [io.ztunnel.node].
@Timeout(60)
class OnDemandIT {
    private record Question(String key, CompletableFuture<Boolean> answer) {}

    private final BlockingQueue<Question> questions = new LinkedBlockingQueue<>();
    private OutboundBench bench;
    private ServerSocket server;

    @BeforeEach
    void open() throws Exception {
        server = OutboundBench.echo("127.77.0.3", 0);
        bench =
                new OutboundBench(
                        OutboundSettings.Retry.DEFAULT,
                        key -> {
                            Question question = new Question(key, new CompletableFuture<>());
                            questions.add(question);
                            return question.answer();
                        },
                        true);
        bench.publish(bench.mesh().snapshot());
    }

    @AfterEach
    void close() throws Exception {
        bench.close();
        server.close();
    }

    private Question asked() throws InterruptedException {
        Question question = questions.poll(20, TimeUnit.SECONDS);
        assertThat(question).isNotNull();
        return question;
    }

    private MeshSnapshot known() {
        return bench.mesh()
                .workload("w")
                .at("127.77.0.3")
                .backs("svc", bench.port(), server.getLocalPort())
                .service("svc")
                .vip(OutboundBench.VIP)
                .ports(bench.port(), server.getLocalPort())
                .snapshot();
    }

    private static void isEchoed(Socket socket) throws IOException {
        socket.getOutputStream().write("hello".getBytes(US_ASCII));
        assertThat(socket.getInputStream().readNBytes(5)).asString(US_ASCII).isEqualTo("hello");
    }

    @Test
    void theFirstConnectionWaitsForTheAnswerAndTheNextOnesDoNotAsk() throws Exception {
        try (Socket first = bench.connect()) {
            Question question = asked();
            assertThat(question.key()).isEqualTo("/" + OutboundBench.VIP);
            bench.publish(known());
            question.answer().complete(true);
            isEchoed(first);
        }
        try (Socket second = bench.connect()) {
            isEchoed(second);
        }
        assertThat(questions).isEmpty();
    }

    @Test
    void withoutAnAnswerNothingGoesOutInTheOpen() throws Exception {
        try (Socket socket = bench.connect()) {
            socket.getOutputStream().write(1);
            asked().answer().complete(false);
            assertThatThrownBy(() -> readByte(socket)).isInstanceOf(IOException.class);
        }
        bench.settle();
        assertThat(bench.told.lines("no answer from the control plane in time: /127.77.0.1"))
                .hasSize(1);
        assertThat(bench.told.metric("istio_tcp_connections_opened_total")).isZero();
    }

    private static void readByte(Socket socket) throws IOException {
        if (socket.getInputStream().read() < 0) {
            throw new IOException("ended");
        }
    }

    @Test
    void whatDoesNotExistIsPassedThrough() throws Exception {
        try (Socket socket = bench.connect()) {
            asked().answer().complete(true);
            // Through to itself, as nothing is redirected here: so it is asked again, as a new one.
            asked().answer().complete(false);
            assertThatThrownBy(() -> readByte(socket)).isInstanceOf(IOException.class);
        }
    }

    @Test
    void aClientThatLeavesMeanwhileIsForgotten() throws Exception {
        Question question;
        try (Socket socket = bench.connect()) {
            question = asked();
            socket.setSoLinger(true, 0);
        }
        while (bench.openConnections() > 0) {
            Thread.onSpinWait();
        }
        bench.publish(known());
        question.answer().complete(true);
        bench.settle();

        assertThat(bench.told.metric("istio_tcp_connections_opened_total")).isZero();
    }

    @Test
    void aCutEndsThoseThatWait() throws Exception {
        try (Socket socket = bench.connect()) {
            Question question = asked();
            bench.cutAll();
            question.answer().complete(true);
            bench.settle();
            assertThat(socket.getInputStream().read()).isEqualTo(-1);
        }
    }
}
