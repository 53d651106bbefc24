package io.ztunnel.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.ztunnel.hbone.h2.FrameWriter;
import io.ztunnel.hbone.testkit.LeakCheck;

import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Bytes that the reference implementation and a test peer exchanged, replayed to us.
@ExtendWith(LeakCheck.class)
class RecordedVectorsTest {

    private static final Path ROOT = Path.of("src/test/resources/vectors/hbone");
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern ERROR = Pattern.compile("error=\"?(.*?)\"?( \\w+(\\.\\w+)?=|$)");

    static List<Path> all(String suffix, String folder) throws IOException {
        try (Stream<Path> files = Files.walk(ROOT.resolve(folder))) {
            // Empty ones belong to TLS handshakes that failed.
            return files.filter(file -> file.toString().endsWith(suffix))
                    .filter(file -> file.toFile().length() > 0)
                    .sorted()
                    .toList();
        }
    }

    static List<Path> sent() throws IOException {
        return all(".from-ztunnel.bin", ".");
    }

    static List<Path> serverCases() throws IOException {
        return all(".to-ztunnel.bin", "ztunnel-as-server");
    }

    static List<Path> clientCases() throws IOException {
        return all("connection-1.to-ztunnel.bin", "ztunnel-as-client");
    }

    @ParameterizedTest
    @MethodSource("sent")
    void allThatWasSentCanBeRead(Path file) throws IOException {
        FrameLog log = new FrameLog(file.toString().contains("ztunnel-as-client"));
        log.read(Unpooled.wrappedBuffer(Files.readAllBytes(file)));
        assertThat(log.lines).isNotEmpty().noneMatch(line -> line.startsWith("BROKEN"));
        log.close();
    }

    private static JsonNode frames(Path bin) throws IOException {
        String name = bin.toString().replace("to-ztunnel.bin", "frames.json");
        return JSON.readTree(Files.readAllBytes(Path.of(name)));
    }

    /// Answers of the recorded server: status lines and resets that followed from the request.
    private static List<String> recordedAnswers(JsonNode frames) {
        List<String> answers = new ArrayList<>();
        for (JsonNode frame : frames) {
            if (!frame.path("direction").asText().equals("from-ztunnel")) {
                continue;
            }
            int stream = frame.path("stream").asInt();
            String type = frame.path("type").asText();
            if (type.equals("HEADERS")) {
                String status = frame.path("headers").path(0).asText().substring(9);
                boolean end = frame.path("endStream").asBoolean();
                answers.add("HEADERS " + stream + " " + status + (end ? " END" : ""));
            } else if (type.equals("RST_STREAM")) {
                switch (frame.path("errorCode").asText()) {
                    case "NO_ERROR" -> answers.add("RST " + stream + " 0");
                    case "PROTOCOL_ERROR" -> answers.add("RST " + stream + " 1");
                    default -> {
                        // CANCEL of case 29 came from a policy, not from what the client sent.
                    }
                }
            }
        }
        return answers;
    }

    @ParameterizedTest
    @MethodSource("serverCases")
    void ourServerAnswersAsRecorded(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        List<String> recorded = recordedAnswers(frames(file));
        for (int step : new int[] {bytes.length + 1, 1000, 1}) {
            assertThat(answers(bytes, step, recorded))
                    .as("in pieces of %d", step)
                    .isEqualTo(recorded);
        }
    }

    private static List<String> answers(byte[] bytes, int step, List<String> recorded) {
        Queue<Integer> statuses = new ArrayDeque<>();
        for (String line : recorded) {
            if (line.startsWith("HEADERS")) {
                statuses.add(Integer.valueOf(line.split(" ")[2]));
            }
        }
        EmbeddedChannel channel = new EmbeddedChannel();
        channel.freezeTime();
        TunnelServer.install(
                channel,
                TunnelSettings.defaults(),
                new ConnectHandler() {
                    @Override
                    public void onConnect(IncomingConnect connect) {
                        Integer status = statuses.poll();
                        if (status == null) {
                            return;
                        }
                        if (status == 200) {
                            Recorder.on(connect.accept(null));
                        } else {
                            connect.refuse(status);
                        }
                    }

                    @Override
                    public void onTunnelClosed(Throwable cause) {}
                });
        for (int at = 0; at < bytes.length; at += step) {
            channel.writeInbound(
                    Unpooled.copiedBuffer(bytes, at, Math.min(step, bytes.length - at)));
        }
        FrameLog log = new FrameLog(false);
        List<String> lines =
                log.read(Wire.drain(channel)).stream()
                        .filter(line -> line.startsWith("HEADERS") || line.startsWith("RST"))
                        .toList();
        assertThat(log.lines).noneMatch(line -> line.startsWith("GOAWAY"));
        log.close();
        channel.finishAndReleaseAll();
        return lines;
    }

    @ParameterizedTest
    @MethodSource("clientCases")
    void ourClientConcludesAsRecorded(Path file) throws IOException {
        List<Opened> opened = new ArrayList<>();
        EmbeddedChannel channel = new EmbeddedChannel();
        channel.freezeTime();
        ClientTunnel tunnel = TunnelClient.install(channel, TunnelSettings.defaults());
        for (JsonNode frame : frames(file)) {
            if (frame.path("direction").asText().equals("from-ztunnel")
                    && frame.path("type").asText().equals("HEADERS")) {
                Opened one = new Opened();
                tunnel.open(ConnectRequest.to("10.20.2.21:8080"), one);
                opened.add(one);
            }
        }
        channel.writeInbound(Unpooled.wrappedBuffer(Files.readAllBytes(file)));
        if (file.toString().contains("09-answer-goaway")) {
            // The recorded bytes end before the GOAWAY that the list of frames has.
            ByteBuf goAway = Unpooled.buffer();
            FrameWriter.goAway(goAway, 0, 0);
            channel.writeInbound(goAway);
        }

        String recorded = error(file);
        boolean answered =
                recorded.startsWith("http status") || recorded.contains("error received");
        for (Opened one : opened) {
            if (answered) {
                assertThat(one.failure.text()).isEqualTo(recorded);
            } else {
                assertThat(one.failure).isNull();
            }
        }
        channel.finishAndReleaseAll();
        if (recorded.equals("h2 failed: connection reset")) {
            assertThat(opened.getFirst().failure.text()).isEqualTo(recorded);
        }
    }

    private static String error(Path file) throws IOException {
        JsonNode log =
                JSON.readTree(Files.readAllBytes(file.resolveSibling("case.json")))
                        .path("ztunnelAccessLog")
                        .path(0);
        Matcher matcher = ERROR.matcher(log.asText());
        return matcher.find() ? matcher.group(1) : "";
    }
}
