package io.ztunnel.inpod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.CodedInputStream;

import io.ztunnel.inpod.ZdsCodec.Attachment;
import io.ztunnel.inpod.proto.WorkloadResponse;
import io.ztunnel.net.NetnsId;
import io.ztunnel.worker.PodInfo;
import io.ztunnel.worker.PodUid;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;

/// Bytes of docs/spec/inpod-and-deployment.md 1.2, and those a real node agent has sent.
class ZdsCodecTest {
    private static final NetnsId NS1 = new NetnsId(4, 1);
    private static final Attachment NONE = new Attachment.None();
    private static final Attachment NETNS = new Attachment.Namespace(NS1);
    private static final PodUid UID = new PodUid("uid0");
    private static final Path VECTORS = Path.of("src/test/resources/vectors/zds");

    private static final String ADD = "0a160a0475696430120e0a046e616d6512026e731a027361";
    private static final String KEEP = "2a060a0475696430";
    private static final String DEL = "1206120475696430";
    private static final String SNAPSHOT_SENT = "1a00";

    @Test
    void helloIsVersionOne() {
        assertThat(ZdsCodec.hello()).isEqualTo(hex("0801"));
    }

    @Test
    void answersAreAcks() {
        assertThat(ZdsCodec.done()).isEqualTo(hex("0a00"));
        assertThat(ZdsCodec.failed("x")).isEqualTo(hex("0a030a0178"));
    }

    @Test
    void answersNameWhatFailed() throws IOException {
        assertThat(error(new Answer.NotStarted("x"))).isEqualTo("failure to start proxy : x");
        assertThat(error(new Answer.Violation("x"))).isEqualTo("failure to process message : x");
        assertThat(error(new Answer.Done())).isEmpty();
    }

    @Test
    void test_parse_add_workload_with_info() throws IOException {
        assertThat(ZdsCodec.decode(hex(ADD), NETNS))
                .isEqualTo(new ZdsMessage.Add(UID, new PodInfo("name", "ns", "sa"), NS1));
    }

    @Test
    void test_parse_add_workload() throws IOException {
        // Without info it can be read; refusing it comes later.
        assertThat(ZdsCodec.decode(hex("0a060a0475696430"), NETNS))
                .isEqualTo(new ZdsMessage.Add(UID, null, NS1));
    }

    @Test
    void addWithAnUnusableDescriptorKeepsTheReason() throws IOException {
        assertThat(ZdsCodec.decode(hex(ADD), new Attachment.Unusable("a file")))
                .isEqualTo(
                        new ZdsMessage.AddUnusable(UID, new PodInfo("name", "ns", "sa"), "a file"));
    }

    @Test
    void addWithoutDescriptorIsMalformed() {
        assertThatThrownBy(() -> ZdsCodec.decode(hex(ADD), NONE))
                .isInstanceOf(MalformedPacketException.class);
    }

    @Test
    void test_parse_del_workload() throws IOException {
        assertThat(ZdsCodec.decode(hex(DEL), NONE)).isEqualTo(new ZdsMessage.Delete(UID));
    }

    @Test
    void keepAndSnapshotSent() throws IOException {
        assertThat(ZdsCodec.decode(hex(KEEP), NONE)).isEqualTo(new ZdsMessage.Keep(UID));
        assertThat(ZdsCodec.decode(hex(SNAPSHOT_SENT), NONE))
                .isEqualTo(new ZdsMessage.SnapshotSent());
    }

    @ParameterizedTest
    @ValueSource(strings = {DEL, KEEP, SNAPSHOT_SENT})
    void test_parse_del_workload_with_fds_fails(String packet) {
        assertThatThrownBy(() -> ZdsCodec.decode(hex(packet), NETNS))
                .isInstanceOf(MalformedPacketException.class)
                .hasMessageContaining("file descriptor");
        assertThatThrownBy(() -> ZdsCodec.decode(hex(packet), new Attachment.Unusable("a file")))
                .isInstanceOf(MalformedPacketException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"3200", "2206120475696430"})
    void aMemberOfTheOneofThatWeDoNotKnowIsARequestWithoutADescriptor(String packet)
            throws Exception {
        assertThat(ZdsCodec.decode(hex(packet), NONE)).isInstanceOf(ZdsMessage.Unknown.class);
        assertThatThrownBy(() -> ZdsCodec.decode(hex(packet), new Attachment.Unusable("a file")))
                .isInstanceOf(MalformedPacketException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", // nothing
                "0aff", // cut in a length
                "0a060a04ffffffff", // no UTF-8
                "ffffffffffffffffffff" // no varint
            })
    void whatIsNoRequestIsMalformed(String packet) {
        assertThatThrownBy(() -> ZdsCodec.decode(hex(packet), NONE))
                .isInstanceOf(MalformedPacketException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "é", "€", "😀", "a😀"})
    void aLongErrorIsCutBetweenCharactersAndFitsThePeersBuffer(String unit) throws IOException {
        String text = "x" + unit.repeat(2_000);

        byte[] packet = ZdsCodec.failed(text);

        assertThat(packet).hasSizeLessThanOrEqualTo(ZdsCodec.MAX_PACKET_BYTES);
        String error = WorkloadResponse.parseFrom(packet).getAck().getError();
        assertThat(text).startsWith(error);
        assertThat(error).doesNotContain("\ufffd").hasSizeGreaterThan(200);
        assertThat(Character.isHighSurrogate(error.charAt(error.length() - 1))).isFalse();
    }

    @Test
    void halfACharacterInAnErrorDoesNoHarm() throws IOException {
        byte[] packet = ZdsCodec.failed("\ud83d");

        assertThat(WorkloadResponse.parseFrom(packet).getAck().getError()).isEqualTo("?");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"1-first-connection", "2-agent-restarted", "3-agent-restarted-pod-gone"})
    void theRecordedConversationReadsAsItsJsonSays(String scenario) throws IOException {
        JsonNode sequence =
                new ObjectMapper()
                        .readTree(VECTORS.resolve(scenario).resolve("sequence.json").toFile());

        assertThat(sequence).isNotEmpty();
        for (JsonNode packet : sequence) {
            byte[] bytes = recorded(scenario, packet.get("file").asText());
            assertThat(bytes).isEqualTo(hex(packet.get("hex").asText()));
            JsonNode message = packet.get("message");
            switch (packet.get("kind").asText()) {
                case "hello" -> assertThat(ZdsCodec.hello()).isEqualTo(bytes);
                case "ack" -> assertThat(ZdsCodec.done()).isEqualTo(bytes);
                case "ack-error" ->
                        assertThat(ZdsCodec.failed(message.at("/ack/error").asText()))
                                .isEqualTo(bytes);
                default -> {
                    Attachment attachment =
                            packet.get("fileDescriptors").asInt() == 1 ? NETNS : NONE;
                    assertThat(ZdsCodec.decode(bytes, attachment)).isEqualTo(asSaid(message));
                }
            }
        }
    }

    private static ZdsMessage asSaid(JsonNode message) {
        if (message.has("add")) {
            JsonNode info = message.at("/add/workloadInfo");
            return new ZdsMessage.Add(
                    new PodUid(message.at("/add/uid").asText()),
                    new PodInfo(
                            info.get("name").asText(),
                            info.get("namespace").asText(),
                            info.get("serviceAccount").asText()),
                    NS1);
        }
        if (message.has("keep")) {
            return new ZdsMessage.Keep(new PodUid(message.at("/keep/uid").asText()));
        }
        if (message.has("del")) {
            return new ZdsMessage.Delete(new PodUid(message.at("/del/uid").asText()));
        }
        assertThat(message.has("snapshotSent")).isTrue();
        return new ZdsMessage.SnapshotSent();
    }

    /// Recordings have the packet's length before it.
    private static byte[] recorded(String scenario, String name) throws IOException {
        try (InputStream file =
                Files.newInputStream(VECTORS.resolve(scenario).resolve(name + ".pb"))) {
            int length = CodedInputStream.readRawVarint32(file.read(), file);
            byte[] packet = file.readAllBytes();
            assertThat(packet).hasSize(length);
            return packet;
        }
    }

    private static String error(Answer answer) throws IOException {
        return WorkloadResponse.parseFrom(answer.encoded()).getAck().getError();
    }

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text);
    }
}
