package io.ztunnel.socks;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ztunnel.socks.SocksReader.Step;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;

/// The rows of docs/spec/dataplane.md 10 that are about bytes.
class SocksReaderTest {
    private static final String GREETING = "050100";

    private static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex);
    }

    /// What is understood when the bytes come in pieces of one size.
    private static List<Step> read(byte[] said, int piece) {
        SocksReader reader = new SocksReader();
        ByteBuf in = Unpooled.buffer();
        List<Step> steps = new ArrayList<>();
        for (int at = 0; at < said.length; at += piece) {
            in.writeBytes(said, at, Math.min(piece, said.length - at));
            for (Step step = reader.next(in); step != null; step = reader.next(in)) {
                steps.add(step);
                if (!(step instanceof Step.Greeted)) {
                    return steps;
                }
            }
        }
        return steps;
    }

    private static @Nullable Step requested(String hex) {
        List<Step> steps = read(bytes(GREETING + hex), Integer.MAX_VALUE / 2);
        assertThat(steps.getFirst()).isEqualTo(new Step.Greeted());
        return steps.size() > 1 ? steps.get(1) : null;
    }

    private static Step to(String address, int port) {
        return new Step.AskedAddress(new InetSocketAddress(InetAddress.ofLiteral(address), port));
    }

    private static String named(byte[] name) {
        return "05010003"
                + HexFormat.of().withUpperCase().toHexDigits((byte) name.length)
                + HexFormat.of().formatHex(name)
                + "0050";
    }

    @Test
    void anAddressOfEachFamily() {
        assertThat(requested("050100010a0001021f90")).isEqualTo(to("10.0.1.2", 8080));
        assertThat(requested("05010004fd0000000000000000000000000000020050"))
                .isEqualTo(to("fd00::2", 80));
        assertThat(requested("0501000400000000000000000000ffff0a0001020050"))
                .as("mapped is IPv4")
                .isEqualTo(to("10.0.1.2", 80));
    }

    @Test
    void theReservedByteMayBeAnything() {
        assertThat(requested("0501ff010a0001021f90")).isEqualTo(to("10.0.1.2", 8080));
    }

    @Test
    void aHostName() {
        assertThat(requested(named("local-vip.default.svc.cluster.local".getBytes(UTF_8))))
                .isEqualTo(new Step.AskedName("local-vip.default.svc.cluster.local", 80));
        String longest = "a".repeat(255);
        assertThat(requested(named(longest.getBytes(UTF_8))))
                .isEqualTo(new Step.AskedName(longest, 80));
    }

    @Test
    void noAuthenticationMayBeOneOfManyMethods() {
        assertThat(read(bytes("0503020100"), 100)).containsExactly(new Step.Greeted());
        byte[] all = new byte[2 + 255];
        all[0] = 5;
        all[1] = (byte) 255;
        for (int i = 2; i < all.length; i++) {
            all[i] = (byte) (i == all.length - 1 ? 0 : 2);
        }
        assertThat(read(all, 100)).containsExactly(new Step.Greeted());
    }

    @ParameterizedTest
    @CsvSource({
        "04, unsupported version 4",
        "16, unsupported version 22",
        "47, unsupported version 71",
        "0500, no authentication methods",
        "050102, only without authentication",
        "0502ff02, only without authentication",
        GREETING + "04, unsupported version 4",
        GREETING + "0502, unsupported command 2",
        GREETING + "0503, unsupported command 3",
        GREETING + "05010002, unsupported address type 2",
        GREETING + "050100ff, unsupported address type 255",
        GREETING + "0501000300, an empty host name",
        GREETING + "0501000302c3280050, a host name that is no UTF-8",
        GREETING + "05010003026100" + "0050, a host name with blanks or control characters",
        GREETING + "0501000303612062" + "0050, a host name with blanks or control characters"
    })
    void whatIsWrongIsRefusedAtTheFirstByteThatShowsIt(String said, String why) {
        for (int piece : new int[] {1, 3, 1000}) {
            assertThat(read(bytes(said), piece).getLast()).isEqualTo(new Step.Refused(why));
        }
        byte[] all = bytes(said);
        List<Step> without =
                read(java.util.Arrays.copyOf(all, all.length - 1), Integer.MAX_VALUE / 2);
        assertThat(without).noneMatch(step -> step instanceof Step.Refused);
    }

    @Test
    void aConversationReadsTheSameHoweverItIsCut() {
        List<String> requests =
                List.of(
                        "050100010a0001021f90",
                        "05010004fd0000000000000000000000000000020050",
                        named("server.default.svc.cluster.local".getBytes(UTF_8)));
        for (String request : requests) {
            byte[] said = bytes("050200" + "02" + request);
            List<Step> whole = read(said, said.length);
            assertThat(whole).hasSize(2);
            for (int piece = 1; piece < said.length; piece++) {
                assertThat(read(said, piece)).isEqualTo(whole);
            }
        }
    }

    @Test
    void whatFollowsTheRequestIsLeftAlone() {
        SocksReader reader = new SocksReader();
        ByteBuf in = Unpooled.buffer();
        in.writeBytes(bytes(GREETING + "050100010a0001021f90")).writeBytes("GET /".getBytes(UTF_8));
        reader.next(in);
        assertThat(reader.next(in)).isEqualTo(to("10.0.1.2", 8080));
        assertThat(in.toString(UTF_8)).isEqualTo("GET /");
    }

    /// Whatever comes: an answer or patience, never an exception, and patience ends.
    @Test
    void garbageIsAnsweredOrWaitedForAndNeverThrows() {
        Random dice = new Random(15080);
        for (int round = 0; round < 100_000; round++) {
            ByteArrayOutputStream said = new ByteArrayOutputStream();
            if (dice.nextBoolean()) {
                said.writeBytes(bytes(GREETING));
            }
            if (dice.nextInt(4) > 0) {
                said.writeBytes(bytes("050100"));
            }
            byte[] noise = new byte[dice.nextInt(600)];
            dice.nextBytes(noise);
            said.writeBytes(noise);
            List<Step> steps = read(said.toByteArray(), 1 + dice.nextInt(40));
            if (said.size() > 2 + 255 + 4 + 1 + 255 + 2) {
                assertThat(steps).isNotEmpty();
                assertThat(steps.getLast()).isNotInstanceOf(Step.Greeted.class);
            }
        }
    }
}
