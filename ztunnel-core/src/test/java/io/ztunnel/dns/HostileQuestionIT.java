package io.ztunnel.dns;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.ztunnel.net.Netns;
import io.ztunnel.testkit.DnsServer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.net.InetSocketAddress;
import java.util.Arrays;

/// Questions that a pod may ask to harm the node: they cost what others cost.
@Timeout(60)
class HostileQuestionIT {
    private static final int OPT_BYTES = 11;

    @Test
    void whateverIsInItAMessageIsLetGo() {
        byte[] one = DnsClient.query("www.google.com", Query.Question.A, 0x100, 1232L << 32);
        byte[] two = Arrays.copyOf(one, one.length + OPT_BYTES);
        System.arraycopy(one, one.length - OPT_BYTES, two, one.length, OPT_BYTES);
        two[11] = 2;
        for (byte[] bytes : new byte[][] {one, two}) {
            ByteBuf message = ByteBufAllocator.DEFAULT.directBuffer().writeBytes(bytes);
            QueryReader.Read read = QueryReader.read(message);
            assertThat(read instanceof QueryReader.Read.Malformed).isEqualTo(bytes == two);
            assertThat(message.refCnt()).isEqualTo(1);
            message.release();
        }
    }

    /// A dot and a byte that is no text within labels: as text they end in `.localhost`, too.
    @Test
    void aNameThatOnlyLooksLikeLocalhostIsAnswered() throws Exception {
        try (DnsServer upstream =
                        DnsServer.start(Netns.own(), new InetSocketAddress(DnsBench.LOOPBACK, 0));
                DnsBench bench =
                        new DnsBench(
                                DnsBench.settings(DnsBench.names(), upstream.address()), 100)) {
            bench.publish(FixtureF.mesh());
            for (byte odd : new byte[] {'.', (byte) 0xff}) {
                byte[] query = DnsClient.query("ax.localhost", Query.Question.A);
                query[14] = odd;
                byte[] answer = DnsClient.rawOverUdp(bench.udp(), query);
                assertThat(answer[2] & 0x80).as("an answer").isNotZero();
            }
        }
    }

    /// The alias holds for four minutes, that its target has no such records for five seconds.
    @Test
    void whatAnAliasLeadsToInVainIsNotRememberedForAsLongAsTheAlias() {
        byte[] query = DnsClient.query("a.example.com", Query.Question.AAAA);
        byte[] alias = {
            (byte) 0xc0, 12, 0, 5, 0, 1, 0, 0, 0, (byte) 240, 0, 4, 1, 'b', (byte) 0xc0, 14
        };
        byte[] nothing = new byte[2 + 10 + 2 + 20];
        nothing[0] = (byte) 0xc0;
        nothing[1] = 14;
        nothing[3] = 6;
        nothing[5] = 1;
        nothing[9] = (byte) 200;
        nothing[11] = 22;
        nothing[nothing.length - 1] = 5;
        byte[] message = Arrays.copyOf(query, query.length + alias.length + nothing.length);
        System.arraycopy(alias, 0, message, query.length, alias.length);
        System.arraycopy(nothing, 0, message, query.length + alias.length, nothing.length);
        message[2] |= (byte) 0x80;
        message[7] = 1;
        message[9] = 1;
        UpstreamAnswer answer =
                UpstreamAnswer.read(
                        message,
                        DnsClient.ID,
                        Query.canonical(Arrays.copyOfRange(query, 12, query.length)));
        assertThat(answer.secondsToLive()).isEqualTo(5);
    }
}
