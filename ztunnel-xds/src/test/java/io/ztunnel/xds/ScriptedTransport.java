package io.ztunnel.xds;

import io.ztunnel.xds.proto.discovery.DeltaDiscoveryRequest;
import io.ztunnel.xds.proto.discovery.DeltaDiscoveryResponse;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/// A control plane that says what the test tells it to say.
public final class ScriptedTransport implements DeltaTransport {
    private final List<ScriptedStream> streams = new ArrayList<>();

    @Override
    public DeltaStream open(DeltaEvents events) {
        ScriptedStream stream = new ScriptedStream(events);
        streams.add(stream);
        return stream;
    }

    public int opened() {
        return streams.size();
    }

    /// The newest stream.
    public ScriptedStream stream() {
        return streams.getLast();
    }

    /// One stream, seen from the server.
    public static final class ScriptedStream implements DeltaStream {
        private final DeltaEvents events;
        private final List<DeltaDiscoveryRequest> received = new ArrayList<>();
        private boolean cancelled;

        private ScriptedStream(DeltaEvents events) {
            this.events = events;
        }

        @Override
        public void send(DeltaDiscoveryRequest request) {
            received.add(request);
        }

        @Override
        public void cancel(String reason) {
            cancelled = true;
        }

        public boolean cancelled() {
            return cancelled;
        }

        /// What came since the last call.
        public List<DeltaDiscoveryRequest> received() {
            List<DeltaDiscoveryRequest> all = List.copyOf(received);
            received.clear();
            return all;
        }

        public void headers() {
            events.onOpen();
        }

        public void respond(DeltaDiscoveryResponse response) {
            try {
                events.onResponse(
                        DeltaResponse.over(new ByteArrayInputStream(response.toByteArray())));
            } catch (IOException impossible) {
                throw new AssertionError(impossible);
            }
        }

        public void end(StreamEnd.Reason reason, String status, String message) {
            events.onEnd(new StreamEnd(reason, status, message));
        }
    }
}
