package io.ztunnel.relay;

import static io.netty.buffer.Unpooled.copiedBuffer;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.netty.buffer.ByteBuf;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/// The rules of docs/spec/dataplane.md 5.4 and 7 on two legs made of paper.
class RelayTest {
    private final PaperLeg client = new PaperLeg();
    private final PaperLeg server = new PaperLeg();
    private final List<RelayEnd> ends = new ArrayList<>();
    private final Counts counts = new Counts();
    private final Relay relay = Relay.start(client, server, counts, ends::add);

    @Test
    void bytesArriveInOrderAndAreCounted() {
        client.receives("hello ");
        client.receives("world");
        server.receives("bye");

        assertThat(server.written()).isEqualTo("hello world");
        assertThat(client.written()).isEqualTo("bye");
        assertThat(counts.sent).isEqualTo(11);
        assertThat(counts.received).isEqualTo(3);
    }

    @Test
    void nothingIsFlushedBeforeTheBurstEnds() {
        client.receives("a");
        assertThat(server.flushes).isZero();

        client.listener.onBurstEnd();
        assertThat(server.flushes).isEqualTo(1);
    }

    @Test
    void theEndOfOneInputEndsTheOtherOutputAndNothingElse() {
        client.listener.onEnd();

        assertThat(server.finished).isTrue();
        assertThat(client.closed).isFalse();
        server.receives("still here");
        assertThat(client.written()).isEqualTo("still here");
        assertThat(ends).isEmpty();
    }

    @Test
    void bothEndsFinishTheConnectionOnce() {
        client.listener.onEnd();
        server.listener.onEnd();

        assertThat(client.finished).isTrue();
        assertThat(ends).containsExactly(RelayEnd.FINISHED);
        assertThat(client.closed).isTrue();
        assertThat(server.closed).isTrue();
    }

    @Test
    void itSaysHowMuchOfItIsLeft() {
        assertThat(relay.state()).isEqualTo(Relay.State.OPEN);
        client.listener.onEnd();
        assertThat(relay.state()).isEqualTo(Relay.State.HALF_CLOSED);
        client.listener.onGone(LegGone.SOCKET);
        assertThat(relay.state()).isEqualTo(Relay.State.ONE_SIDE_GONE);
        // What the other side has still to be given is not for nothing.
        server.finishing = true;
        assertThat(relay.state()).isEqualTo(Relay.State.HALF_CLOSED);
        server.listener.onEnd();
        assertThat(relay.state()).isEqualTo(Relay.State.OVER);
    }

    @Test
    void bothSidesAreProbed() {
        client.listener.onEnd();
        relay.probe();
        assertThat(client.probes).isEqualTo(1);
        assertThat(server.probes).isEqualTo(1);
    }

    @Test
    void aSideIsReadOnlyWhileTheOtherCanBeWritten() {
        server.writable = false;
        client.receives("x");
        assertThat(client.paused).isTrue();

        server.writable = true;
        server.listener.onWritable();
        assertThat(client.paused).isFalse();
    }

    @Test
    void aFlushThatMakesRoomKeepsTheSourceReading() {
        server.writable = false;
        server.flushMakesRoom = true;
        client.receives("x");

        assertThat(client.paused).isFalse();
    }

    @Test
    void row124_aResetSocketIsAnOrdinaryEndForTheOtherSide() {
        client.listener.onGone(LegGone.SOCKET);

        assertThat(server.finished).isTrue();
        assertThat(ends).isEmpty();
        server.listener.onEnd();
        assertThat(ends).containsExactly(RelayEnd.FINISHED);
    }

    @Test
    void bytesForASocketThatIsGoneAreDroppedAndEndTheConnection() {
        client.listener.onGone(LegGone.SOCKET);
        ByteBuf late = server.receives("late");

        assertThat(late.refCnt()).isZero();
        assertThat(ends).containsExactly(RelayEnd.FINISHED);
    }

    @Test
    void bytesForACancelledStreamOfTheServerFailTheConnection() {
        server.listener.onGone(LegGone.STREAM);
        assertThat(client.finished).isTrue();
        client.receives("too late");

        assertThat(ends)
                .containsExactly(
                        new RelayEnd.Failed(
                                "send: destination disconnected before all data was written"));
    }

    @Test
    void bytesForACancelledStreamOfTheClientFailTheConnection() {
        client.listener.onGone(LegGone.STREAM);
        server.receives("too late");

        assertThat(ends)
                .containsExactly(
                        new RelayEnd.Failed(
                                "receive: client disconnected before all data was written"));
    }

    @Test
    void anErrorOfOneDirectionLetsTheOtherRunToItsEnd() {
        server.listener.onGone(new LegGone("io error: boom", true));
        assertThat(client.finished).isTrue();
        assertThat(ends).isEmpty();

        client.listener.onEnd();
        assertThat(ends).containsExactly(new RelayEnd.Failed("receive: io error: boom"));
    }

    @Test
    void aSourceThatWasPausedIsHeardAgainWhenItsSinkIsGone() {
        server.writable = false;
        client.receives("x");
        assertThat(client.paused).isTrue();

        server.listener.onGone(LegGone.STREAM);
        assertThat(client.paused).isFalse();
    }

    @Test
    void aFinishedDirectionIgnoresWhatComesLater() {
        client.listener.onEnd();
        ByteBuf late = client.receives("after the end");

        assertThat(late.refCnt()).isZero();
        assertThat(server.written()).isEmpty();
    }

    @Test
    void cuttingClosesBothLegsAndCallsNobody() {
        relay.cut();
        client.listener.onGone(LegGone.SOCKET);
        server.listener.onGone(LegGone.STREAM);

        assertThat(client.aborted).isTrue();
        assertThat(server.aborted).isTrue();
        assertThat(ends).isEmpty();
    }

    private static final class Counts implements ByteMeter {
        private long sent;
        private long received;

        @Override
        public void clientToServer(long bytes) {
            sent += bytes;
        }

        @Override
        public void serverToClient(long bytes) {
            received += bytes;
        }
    }

    private static final class PaperLeg implements Leg {
        private LegListener listener;
        private final StringBuilder written = new StringBuilder();
        private boolean writable = true;
        private boolean flushMakesRoom;
        private boolean paused;
        private boolean finished;
        private boolean closed;
        private boolean aborted;
        private boolean finishing;
        private int flushes;
        private int probes;

        @Override
        public boolean isFinishing() {
            return finishing;
        }

        @Override
        public void probe() {
            probes++;
        }

        ByteBuf receives(String text) {
            ByteBuf data = copiedBuffer(text, US_ASCII);
            listener.onData(data);
            return data;
        }

        String written() {
            return written.toString();
        }

        @Override
        public void attach(LegListener attached) {
            listener = attached;
        }

        @Override
        public boolean isWritable() {
            return writable;
        }

        @Override
        public void write(ByteBuf data) {
            written.append(data.toString(US_ASCII));
            data.release();
        }

        @Override
        public void flush() {
            flushes++;
            writable |= flushMakesRoom;
        }

        @Override
        public void finish() {
            finished = true;
        }

        @Override
        public void close() {
            closed = true;
        }

        @Override
        public void abort() {
            aborted = true;
        }

        @Override
        public void pause() {
            paused = true;
        }

        @Override
        public void resume() {
            paused = false;
        }
    }
}
