package io.ztunnel.relay;

import io.netty.buffer.ByteBuf;

import org.jspecify.annotations.Nullable;

import java.util.function.Consumer;

/// Moves bytes between two legs until both directions are done (docs/spec/dataplane.md 5.4 and 7).
///
/// 1. A side is read only while the other can be written, so memory is bounded by the two legs.
/// 2. The end of an input becomes the end of the other side's output; the other direction goes on,
///    for as long as its peers want.
/// 3. A reset is an end and no error once a connection stands; it is passed on as an ordinary end.
/// 4. An error in one direction never stops the other one. The first error of the client's
/// direction    decides the outcome, then that of the server's.
///
/// Confined to the event loop of the connection.
public final class Relay {
    private final Direction send;
    private final Direction receive;
    private final ByteMeter meter;
    private final Consumer<RelayEnd> whenDone;
    private boolean over;

    /// How much of a relay is left.
    public enum State {
        /// Both directions go on.
        OPEN,
        /// One direction has ended, the other one may still bring something somewhere.
        HALF_CLOSED,
        /// What the remaining direction brings has nowhere to go.
        ONE_SIDE_GONE,
        /// Nothing.
        OVER
    }

    private Relay(Leg client, Leg server, ByteMeter meter, Consumer<RelayEnd> whenDone) {
        this.meter = meter;
        this.whenDone = whenDone;
        this.send = new Direction(client, server, true);
        this.receive = new Direction(server, client, false);
    }

    /// Joins the legs and starts.
    ///
    /// @param whenDone called once, after both legs were closed, unless [#cut] came first
    public static Relay start(
            Leg client, Leg server, ByteMeter meter, Consumer<RelayEnd> whenDone) {
        Relay relay = new Relay(client, server, meter, whenDone);
        server.attach(relay.receive);
        client.attach(relay.send);
        return relay;
    }

    /// Ends both legs at once; the caller knows why, so nobody is called back.
    public void cut() {
        if (!over) {
            over = true;
            send.from.abort();
            receive.from.abort();
        }
    }

    public State state() {
        if (over) {
            return State.OVER;
        }
        if (!send.done && !receive.done) {
            return State.OPEN;
        }
        Direction left = send.done ? receive : send;
        return left.sinkGone != null && !left.from.isFinishing()
                ? State.ONE_SIDE_GONE
                : State.HALF_CLOSED;
    }

    /// Finds out whether anybody is left at the sockets; what is gone is reported as such.
    public void probe() {
        if (!over) {
            send.from.probe();
        }
        if (!over) {
            receive.from.probe();
        }
    }

    /// What went wrong so far; null where nothing did.
    public @Nullable String error() {
        if (send.error != null) {
            return "send: " + send.error;
        }
        return receive.error != null ? "receive: " + receive.error : null;
    }

    private void settle() {
        if (over || !send.done || !receive.done) {
            return;
        }
        over = true;
        send.from.close();
        receive.from.close();
        String error = error();
        whenDone.accept(error == null ? RelayEnd.FINISHED : new RelayEnd.Failed(error));
    }

    /// One direction: listens to its source and writes to its sink.
    private final class Direction implements LegListener {
        private final Leg from;
        private final Leg to;
        private final boolean sending;
        private boolean done;
        private @Nullable LegGone sinkGone;
        private @Nullable String error;

        Direction(Leg from, Leg to, boolean sending) {
            this.from = from;
            this.to = to;
            this.sending = sending;
        }

        private Direction reverse() {
            return sending ? receive : send;
        }

        @Override
        public void onData(ByteBuf data) {
            LegGone gone = sinkGone;
            if (done || gone != null) {
                data.release();
                if (!done && gone != null) {
                    if (gone.refusesBytes()) {
                        error = disconnected();
                    }
                    end();
                }
                return;
            }
            int bytes = data.readableBytes();
            if (sending) {
                meter.clientToServer(bytes);
            } else {
                meter.serverToClient(bytes);
            }
            to.write(data);
            if (!to.isWritable()) {
                to.flushNow();
                if (!to.isWritable()) {
                    from.pause();
                }
            }
        }

        @Override
        public void onBurstEnd() {
            if (!done && sinkGone == null) {
                to.flush();
            }
        }

        @Override
        public void onEnd() {
            if (!done) {
                if (sinkGone == null) {
                    to.finish();
                }
                end();
            }
        }

        @Override
        public void onGone(LegGone how) {
            Direction other = reverse();
            if (other.sinkGone == null) {
                other.sinkGone = how;
                // Nobody reads there any more: what its own source still sends ends that direction.
                other.from.resume();
            }
            if (!done) {
                error = how.error();
                if (sinkGone == null) {
                    to.finish();
                }
                end();
            } else if (other.done) {
                settle();
            }
        }

        @Override
        public void onWritable() {
            // The room is in our source, which is the sink of the other direction.
            reverse().from.resume();
        }

        private void end() {
            done = true;
            settle();
        }

        private String disconnected() {
            return (sending ? "destination" : "client")
                    + " disconnected before all data was written";
        }
    }
}
