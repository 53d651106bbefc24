package io.ztunnel.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.ztunnel.hbone.h2.FrameWriter;
import io.ztunnel.hbone.h2.StreamTable;
import io.ztunnel.hbone.testkit.LeakCheck;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/// Seeded randomness: a failure names its seed by the loop it is in.
@ExtendWith(LeakCheck.class)
class FuzzTest {

    private static final int ROUNDS = 400;

    /// Where the header block lies in the recorded request, and how long it is.
    private static final int BLOCK_AT = 51;

    private static final int BLOCK_BYTES = 187;

    /// Frames that are mostly sensible: types and lengths true, everything else by chance.
    private static ByteBuf randomFrames(Random random, boolean preface) throws Exception {
        ByteBuf out = Unpooled.buffer();
        if (preface) {
            FrameWriter.preface(out);
        }
        FrameWriter.settings(out);
        byte[] recorded =
                Files.readAllBytes(
                        Path.of(
                                "src/test/resources/vectors/hbone/ztunnel-as-server/"
                                        + "03-full-headers.to-ztunnel.bin"));
        for (int n = random.nextInt(30); n > 0; n--) {
            int type = random.nextInt(11);
            int size =
                    switch (type) {
                        case 3, 8 -> 4;
                        case 4 -> 6 * random.nextInt(3);
                        case 6, 7 -> 8;
                        default -> random.nextInt(200);
                    };
            boolean request = type == 1 && random.nextInt(10) != 0;
            if (request) {
                size = BLOCK_BYTES;
            } else if (random.nextInt(20) == 0) {
                size = random.nextInt(300);
            }
            int stream = type == 4 || type == 6 || type == 7 ? 0 : random.nextInt(12);
            int flags =
                    random.nextInt(3) == 0 && !request
                            ? random.nextInt(256)
                            : random.nextInt(2) * 4;
            out.writeMedium(size).writeByte(type).writeByte(flags).writeInt(stream);
            byte[] payload = new byte[size];
            random.nextBytes(payload);
            if (request) {
                System.arraycopy(recorded, BLOCK_AT, payload, 0, size);
                if (random.nextInt(10) == 0) {
                    payload[random.nextInt(size)] = (byte) random.nextInt();
                }
            }
            out.writeBytes(payload);
        }
        return out;
    }

    private static EmbeddedChannel server() {
        EmbeddedChannel channel = new EmbeddedChannel();
        channel.freezeTime();
        TunnelServer.install(channel, TunnelSettings.defaults(), new Echo());
        return channel;
    }

    private static List<String> feed(EmbeddedChannel channel, ByteBuf bytes, Random cuts) {
        while (bytes.isReadable() && channel.isOpen()) {
            int size =
                    cuts == null
                            ? bytes.readableBytes()
                            : Math.min(bytes.readableBytes(), 1 + cuts.nextInt(40));
            channel.writeInbound(channel.alloc().buffer(size).writeBytes(bytes, size));
        }
        channel.runPendingTasks();
        FrameLog log = new FrameLog(false);
        List<String> lines = List.copyOf(log.read(Wire.drain(channel)));
        log.close();
        channel.finishAndReleaseAll();
        return lines;
    }

    @Test
    void randomFramesNeverBreakTheServer() throws Exception {
        for (int seed = 0; seed < ROUNDS; seed++) {
            ByteBuf frames = randomFrames(new Random(seed), true);
            assertThat(feed(server(), frames, null))
                    .as("seed %d", seed)
                    .noneMatch(line -> line.startsWith("BROKEN"))
                    .noneMatch(line -> line.matches("GOAWAY \\d+ 2"));
        }
    }

    /// Echoed pieces differ in size, so frames of data are not compared, only all else.
    @Test
    void whereTheBytesAreCutMakesNoDifference() throws Exception {
        for (int seed = 0; seed < ROUNDS; seed++) {
            ByteBuf frames = randomFrames(new Random(seed), true);
            List<String> whole = feed(server(), frames.duplicate(), null);
            List<String> cut = feed(server(), frames.duplicate(), new Random(-seed));
            assertThat(notData(cut)).as("seed %d", seed).isEqualTo(notData(whole));
        }
    }

    private static List<String> notData(List<String> lines) {
        return lines.stream()
                .filter(line -> !line.startsWith("DATA") && !line.startsWith("WINDOW"))
                .sorted()
                .toList();
    }

    @Test
    void randomFramesNeverBreakTheClient() throws Exception {
        for (int seed = 0; seed < ROUNDS; seed++) {
            EmbeddedChannel channel = new EmbeddedChannel();
            channel.freezeTime();
            ClientTunnel tunnel = TunnelClient.install(channel, TunnelSettings.defaults());
            for (int i = 0; i < 5; i++) {
                tunnel.open(ConnectRequest.to("a:1"), new Opened());
            }
            Wire.drain(channel).release();
            assertThat(feed(channel, randomFrames(new Random(seed), false), new Random(seed)))
                    .as("seed %d", seed)
                    .noneMatch(line -> line.matches("GOAWAY \\d+ 2"));
        }
    }

    @Test
    void randomBytesNeverBreakTheServer() {
        for (int seed = 0; seed < ROUNDS; seed++) {
            Random random = new Random(seed);
            ByteBuf bytes = Unpooled.buffer();
            FrameWriter.preface(bytes);
            FrameWriter.settings(bytes);
            byte[] noise = new byte[random.nextInt(500)];
            random.nextBytes(noise);
            feed(server(), bytes.writeBytes(noise), random);
        }
    }

    @Test
    void theStreamTableIsAMap() {
        for (int seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            StreamTable<String> table = new StreamTable<>();
            Map<Integer, String> model = new HashMap<>();
            for (int i = 0; i < 500; i++) {
                int id = 1 + 2 * random.nextInt(60);
                if (random.nextBoolean()) {
                    if (model.putIfAbsent(id, "s" + id) == null) {
                        table.put(id, "s" + id);
                    }
                } else {
                    assertThat(table.remove(id)).isEqualTo(model.remove(id) != null);
                }
                assertThat(table.size()).isEqualTo(model.size());
                assertThat(table.get(id)).isEqualTo(model.get(id));
            }
            model.forEach((id, value) -> assertThat(table.get(id)).isEqualTo(value));
            assertThat(table.toArray(new String[0]))
                    .containsExactlyInAnyOrderElementsOf(model.values());
        }
    }
}
