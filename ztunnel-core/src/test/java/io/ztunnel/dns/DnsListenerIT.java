package io.ztunnel.dns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.handler.codec.dns.DnsRecordType;
import io.ztunnel.dns.Answering.Transport;
import io.ztunnel.net.Netns;
import io.ztunnel.testkit.DnsServer;
import io.ztunnel.testkit.DnsServer.Content;
import io.ztunnel.testkit.DnsServer.Data;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/// How questions come, go elsewhere and end (docs/spec/config-observability-dns.md 6.1, 6.2, 6.7).
@Timeout(60)
class DnsListenerIT {
    private static final int A = Query.Question.A;

    private DnsServer upstream;
    private DnsBench bench;

    @BeforeEach
    void open() {
        upstream =
                DnsServer.start(Netns.own(), new InetSocketAddress(DnsBench.LOOPBACK, 0))
                        .has("test.example.com.", "192.0.2.1");
        bench = bench(100, upstream.address());
    }

    private static DnsBench bench(long queries, InetSocketAddress... servers) {
        DnsBench made = new DnsBench(DnsBench.settings(DnsBench.names(), servers), queries);
        made.publish(FixtureF.mesh());
        return made;
    }

    @AfterEach
    void close() {
        bench.close();
        upstream.close();
    }

    @Test
    void whatIsNoQuestionIsCountedAndTheNextOneIsAnswered() throws Exception {
        byte[] good = DnsClient.query("www.google.com", A);
        byte[] response = good.clone();
        response[2] |= (byte) 0x80;
        silent(new byte[0], "short", 1);
        silent(new byte[11], "short", 2);
        silent(response, "response", 1);

        byte[] cut = Arrays.copyOf(good, good.length - 3);
        byte[] answer = DnsClient.rawOverUdp(bench.udp(), cut);
        assertThat(answer).as("a header and no question").hasSize(12);
        assertThat(answer[3] & 15).isEqualTo(1);
        assertThat(answer[5]).isZero();
        byte[] pointing = good.clone();
        pointing[12] = (byte) 0xc0;
        assertThat(DnsClient.rawOverUdp(bench.udp(), pointing)[3] & 15).isEqualTo(1);

        assertThat(bench.ask(Transport.UDP, good).answers()).hasSize(1);
    }

    private void silent(byte[] message, String reason, int count) throws Exception {
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.send(new DatagramPacket(message, message.length, bench.udp()));
        }
        String sample = "ztunnel_dns_bad_messages_total{reason=\"" + reason + "\"} " + count;
        eventually(() -> bench.told.samples("ztunnel_dns_bad_messages_total").contains(sample));
    }

    private static void eventually(java.util.function.BooleanSupplier holds) {
        long deadline = System.nanoTime() + 10_000_000_000L;
        while (!holds.getAsBoolean()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            Thread.onSpinWait();
        }
    }

    /// Every byte of a message may be anything.
    @Test
    void nonsenseHarmsNobody() throws Exception {
        Random random = new Random(7);
        byte[] good = DnsClient.query("www.google.com", A, 0x100, 1232L << 32);
        try (DatagramSocket socket = new DatagramSocket()) {
            for (int i = 0; i < 20_000; i++) {
                byte[] bent = Arrays.copyOf(good, random.nextInt(good.length + 8));
                for (int j = random.nextInt(6); j >= 0 && bent.length > 0; j--) {
                    bent[random.nextInt(bent.length)] = (byte) random.nextInt();
                }
                QueryReader.read(io.netty.buffer.Unpooled.wrappedBuffer(bent));
                if (i % 100 == 0) {
                    socket.send(new DatagramPacket(bent, bent.length, bench.udp()));
                }
            }
        }
        assertThat(bench.ask(Transport.UDP, good).answers()).hasSize(1);
    }

    @Test
    void nonsenseOfAServerHarmsNobody() {
        Random random = new Random(8);
        byte[] query = DnsClient.query("a.example.com", A);
        byte[] question = Arrays.copyOfRange(query, 12, query.length);
        byte[] whole = Arrays.copyOf(query, query.length + 64);
        whole[2] = (byte) 0x81;
        int understood = 0;
        for (int i = 0; i < 50_000; i++) {
            byte[] bent = whole.clone();
            bent[7] = (byte) random.nextInt(4);
            for (int j = random.nextInt(24); j >= 0; j--) {
                bent[query.length + random.nextInt(64)] = (byte) random.nextInt();
            }
            UpstreamAnswer answer =
                    UpstreamAnswer.read(bent, DnsClient.ID, Query.canonical(question));
            if (answer != null) {
                understood++;
                AnswerWriter writer =
                        new AnswerWriter(io.netty.buffer.UnpooledByteBufAllocator.DEFAULT);
                QueryReader.Read read =
                        QueryReader.read(io.netty.buffer.Unpooled.wrappedBuffer(query));
                Query asked = ((QueryReader.Read.Understood) read).query();
                writer.forwarded(asked, answer, 1, 64).release();
                answer.secondsToLive();
            }
        }
        assertThat(understood).isGreaterThan(100);
    }

    /// Somebody who does not see our questions has to guess a port and an id.
    @Test
    void onlyTheServersAnswerToTheQuestionCounts() throws Exception {
        try (DatagramSocket server = new DatagramSocket(0, DnsBench.LOOPBACK);
                DnsBench asking = bench(100, (InetSocketAddress) server.getLocalSocketAddress())) {
            server.setSoTimeout(10_000);
            CompletableFuture<DnsClient.Said> said =
                    CompletableFuture.supplyAsync(
                            () -> {
                                try {
                                    return asking.ask(
                                            Transport.UDP, DnsClient.query("x.example.com", A));
                                } catch (Exception failed) {
                                    throw new IllegalStateException(failed);
                                }
                            });
            DatagramPacket question = new DatagramPacket(new byte[512], 512);
            server.receive(question);
            byte[] asked = Arrays.copyOf(question.getData(), question.getLength());
            InetSocketAddress from = (InetSocketAddress) question.getSocketAddress();

            byte[] otherId = answerTo(asked, 0);
            otherId[1]++;
            byte[] otherName = answerTo(asked, 1);
            otherName[13] = 'y';
            byte[] noAnswer = answerTo(asked, 2);
            noAnswer[2] = 1;
            byte[] good = answerTo(asked, 4);
            try (DatagramSocket stranger = new DatagramSocket()) {
                stranger.send(new DatagramPacket(answerTo(asked, 3), good.length, from));
            }
            for (byte[] each : List.of(otherId, otherName, noAnswer, good)) {
                server.send(new DatagramPacket(each, each.length, from));
            }

            assertThat(said.get(10, TimeUnit.SECONDS).answers())
                    .containsExactly("x.example.com. A 192.0.2.4");
            assertThat(asking.told.samples("ztunnel_dns_bad_messages_total"))
                    .containsExactly("ztunnel_dns_bad_messages_total{reason=\"upstream\"} 3");
        }
    }

    private static byte[] answerTo(byte[] asked, int last) {
        byte[] answer = Arrays.copyOf(asked, asked.length + 16);
        answer[2] |= (byte) 0x80;
        answer[7] = 1;
        byte[] record = {(byte) 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, (byte) 192, 0, 2, 0};
        record[15] = (byte) last;
        System.arraycopy(record, 0, answer, asked.length, 16);
        return answer;
    }

    @Test
    void portsAndIdsAreDrawn() throws Exception {
        Set<Integer> ports = new HashSet<>();
        Set<Integer> ids = new HashSet<>();
        try (DatagramSocket server = new DatagramSocket(0, DnsBench.LOOPBACK);
                DnsBench asking = bench(100, (InetSocketAddress) server.getLocalSocketAddress())) {
            server.setSoTimeout(10_000);
            try (DatagramSocket client = new DatagramSocket()) {
                for (int i = 0; i < 20; i++) {
                    byte[] query = DnsClient.query("n" + i + ".example.com", A);
                    client.send(new DatagramPacket(query, query.length, asking.udp()));
                    DatagramPacket question = new DatagramPacket(new byte[512], 512);
                    server.receive(question);
                    ports.add(question.getPort());
                    byte[] data = question.getData();
                    ids.add((data[0] & 0xff) << 8 | (data[1] & 0xff));
                }
            }
        }
        assertThat(ports).hasSizeGreaterThan(15);
        assertThat(ids).hasSizeGreaterThan(15);
    }

    @Test
    void aSecondServerAnswersForTheFirst() throws Exception {
        try (DatagramSocket mute = new DatagramSocket(0, DnsBench.LOOPBACK);
                DnsBench two =
                        bench(
                                100,
                                (InetSocketAddress) mute.getLocalSocketAddress(),
                                upstream.address())) {
            assertThat(two.ask(Transport.UDP, DnsClient.query("test.example.com", A)).answers())
                    .containsExactly("test.example.com. A 192.0.2.1");
        }
    }

    @Test
    void answersAreRememberedForAsLongAsTheyHold() throws Exception {
        upstream.says(
                "gone.example.com.",
                DnsRecordType.A,
                Content.code(io.netty.handler.codec.dns.DnsResponseCode.NXDOMAIN)
                        .withAuthority(DnsRowsIT.soa("example.com.", 600, 60)));
        upstream.says(
                "never.example.com.",
                DnsRecordType.A,
                Content.of(Data.address("never.example.com.", 0, "192.0.2.7")));
        for (int i = 0; i < 3; i++) {
            assertThat(bench.ask(Transport.UDP, DnsClient.query("TEST.example.com", A)).answers())
                    .hasSize(1);
            assertThat(bench.ask(Transport.TCP, DnsClient.query("gone.example.com", A)).code())
                    .isEqualTo(3);
            bench.ask(Transport.UDP, DnsClient.query("never.example.com", A));
        }
        assertThat(upstream.asked())
                .containsExactlyInAnyOrder(
                        "udp TEST.example.com. A",
                        "udp gone.example.com. A",
                        "udp never.example.com. A",
                        "udp never.example.com. A",
                        "udp never.example.com. A");
        assertThat(bench.told.metric("istio_dns_upstream_requests_total")).isEqualTo(9);
    }

    @Test
    void moreQuestionsThanMayWaitFailAtOnce() throws Exception {
        try (DatagramSocket mute = new DatagramSocket(0, DnsBench.LOOPBACK);
                DnsBench few = bench(3, (InetSocketAddress) mute.getLocalSocketAddress());
                DatagramSocket client = new DatagramSocket()) {
            client.setSoTimeout(10_000);
            for (int i = 0; i < 10; i++) {
                byte[] query = DnsClient.query("n" + i + ".example.com", A);
                client.send(new DatagramPacket(query, query.length, few.udp()));
            }
            long start = System.nanoTime();
            for (int i = 0; i < 7; i++) {
                DatagramPacket answer = new DatagramPacket(new byte[512], 512);
                client.receive(answer);
                assertThat(answer.getData()[3] & 15).isEqualTo(2);
            }
            assertThat(System.nanoTime() - start).isLessThan(400_000_000L);
            assertThat(few.ask(Transport.UDP, DnsClient.query("www.google.com", A)).answers())
                    .as("who needs no server is answered")
                    .hasSize(1);
            assertThat(few.told.samples("ztunnel_java_connections_refused_total"))
                    .containsExactly(
                            "ztunnel_java_connections_refused_total{reason=\"dns_queries\"} 7");
        }
        assertThat(bench.ask(Transport.UDP, DnsClient.query("test.example.com", A)).code())
                .isZero();
    }

    @Test
    void oneStreamCarriesManyQuestions() throws Exception {
        try (Socket socket = DnsClient.connect(bench.tcp())) {
            for (int i = 0; i < 100; i++) {
                DnsClient.send(
                        socket,
                        DnsClient.query(i % 2 == 0 ? "www.google.com" : "test.example.com", A));
            }
            List<String> answers = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                answers.addAll(DnsClient.decode(DnsClient.receive(socket)).answers());
            }
            assertThat(answers).hasSize(100);
            assertThat(answers.get(1)).as("in order").startsWith("test.example.com.");
        }
    }

    @Test
    void aClientThatHasSaidAllIsStillAnswered() throws Exception {
        try (Socket socket = DnsClient.connect(bench.tcp())) {
            DnsClient.send(socket, DnsClient.query("test.example.com", A));
            socket.shutdownOutput();
            assertThat(DnsClient.decode(DnsClient.receive(socket)).answers()).hasSize(1);
            assertThat(socket.getInputStream().read()).isEqualTo(-1);
        }
    }

    @Test
    void aStreamThatSaysNothingIsEndedAfterFiveSeconds() throws Exception {
        try (Socket socket = DnsClient.connect(bench.tcp())) {
            socket.getOutputStream().write(0);
            long start = System.nanoTime();
            assertThat(socket.getInputStream().read()).isEqualTo(-1);
            assertThat(System.nanoTime() - start).isGreaterThan(4_500_000_000L);
        }
    }

    @Test
    void aQuestionThatIsNoneIsTooLongForAStream() throws Exception {
        try (Socket socket = DnsClient.connect(bench.tcp())) {
            socket.getOutputStream().write(new byte[] {(byte) 0xff, (byte) 0xff});
            assertThat(read(socket)).isEqualTo(-1);
        }
    }

    private static int read(Socket socket) {
        try {
            return socket.getInputStream().read();
        } catch (IOException reset) {
            return -1;
        }
    }

    @Test
    void row82_whatIsUnderWayIsAnsweredWhenTheListenerEnds() throws Exception {
        try (DatagramSocket server = new DatagramSocket(0, DnsBench.LOOPBACK);
                DnsBench ending = bench(100, (InetSocketAddress) server.getLocalSocketAddress());
                DatagramSocket client = new DatagramSocket();
                Socket stream = DnsClient.connect(ending.tcp())) {
            server.setSoTimeout(10_000);
            client.setSoTimeout(10_000);
            InetSocketAddress udp = ending.udp();
            InetSocketAddress tcp = ending.tcp();
            byte[] first = DnsClient.query("a.example.com", A);
            client.send(new DatagramPacket(first, first.length, udp));
            DatagramPacket one = new DatagramPacket(new byte[512], 512);
            server.receive(one);
            DnsClient.send(stream, DnsClient.query("b.example.com", A));
            DatagramPacket two = new DatagramPacket(new byte[512], 512);
            server.receive(two);

            CompletableFuture<Void> ended = ending.drain(Duration.ofSeconds(30));
            eventually(() -> refused(tcp));
            assertThatThrownBy(() -> ended.get(100, TimeUnit.MILLISECONDS))
                    .as("somebody waits")
                    .isInstanceOf(java.util.concurrent.TimeoutException.class);
            for (DatagramPacket each : List.of(one, two)) {
                byte[] answer = answerTo(Arrays.copyOf(each.getData(), each.getLength()), 9);
                server.send(new DatagramPacket(answer, answer.length, each.getSocketAddress()));
            }

            DatagramPacket received = new DatagramPacket(new byte[512], 512);
            client.receive(received);
            assertThat(received.getSocketAddress()).isEqualTo(udp);
            assertThat(
                            DnsClient.decode(
                                            Arrays.copyOf(received.getData(), received.getLength()))
                                    .answers())
                    .containsExactly("a.example.com. A 192.0.2.9");
            assertThat(DnsClient.decode(DnsClient.receive(stream)).answers())
                    .containsExactly("b.example.com. A 192.0.2.9");
            ended.get(10, TimeUnit.SECONDS);
        }
    }

    private static boolean refused(InetSocketAddress tcp) {
        try (Socket _ = new Socket(tcp.getAddress(), tcp.getPort())) {
            return false;
        } catch (IOException refused) {
            return true;
        }
    }

    @Test
    void cutOffAtTheDeadline() throws Exception {
        try (DatagramSocket mute = new DatagramSocket(0, DnsBench.LOOPBACK);
                DnsBench ending = bench(100, (InetSocketAddress) mute.getLocalSocketAddress());
                DatagramSocket client = new DatagramSocket();
                Socket idle = DnsClient.connect(ending.tcp())) {
            byte[] query = DnsClient.query("a.example.com", A);
            client.send(new DatagramPacket(query, query.length, ending.udp()));
            mute.setSoTimeout(10_000);
            mute.receive(new DatagramPacket(new byte[512], 512));

            ending.drain(Duration.ofMillis(10)).get(5, TimeUnit.SECONDS);
            assertThat(read(idle)).isEqualTo(-1);
            client.setSoTimeout(10_000);
            DatagramPacket answer = new DatagramPacket(new byte[512], 512);
            client.receive(answer);
            assertThat(answer.getData()[3] & 15).as("told, so that it asks again").isEqualTo(2);
        }
    }
}
