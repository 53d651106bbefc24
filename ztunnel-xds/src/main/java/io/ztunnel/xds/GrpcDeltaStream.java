package io.ztunnel.xds;

import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.ztunnel.xds.proto.discovery.DeltaDiscoveryRequest;

import java.io.IOException;
import java.io.InputStream;

/// One call on a channel of its own; the channel ends with the call.
final class GrpcDeltaStream extends ClientCall.Listener<InputStream> implements DeltaStream {
    private final ManagedChannel channel;
    private final ClientCall<DeltaDiscoveryRequest, InputStream> call;
    private final DeltaEvents events;
    private boolean answering;
    private boolean over;

    GrpcDeltaStream(
            ManagedChannel channel,
            ClientCall<DeltaDiscoveryRequest, InputStream> call,
            DeltaEvents events) {
        this.channel = channel;
        this.call = call;
        this.events = events;
    }

    void start(Metadata headers) {
        call.start(this, headers);
        call.request(1);
    }

    @Override
    public void send(DeltaDiscoveryRequest request) {
        if (!over) {
            call.sendMessage(request);
        }
    }

    @Override
    public void cancel(String reason) {
        over = true;
        call.cancel(reason, null);
        channel.shutdownNow();
    }

    @Override
    public void onHeaders(Metadata headers) {
        answering = true;
        if (!over) {
            events.onOpen();
        }
    }

    @Override
    public void onMessage(InputStream message) {
        if (over) {
            return;
        }
        DeltaResponse response;
        try {
            response = DeltaResponse.over(message);
        } catch (IOException garbage) {
            cancel("garbage");
            events.onEnd(StreamEnd.error("a response cannot be decoded: " + garbage.getMessage()));
            return;
        }
        events.onResponse(response);
        // Only now, so that at most one response waits in memory while another is applied.
        call.request(1);
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
        channel.shutdownNow();
        if (!over) {
            over = true;
            events.onEnd(endOf(status));
        }
    }

    /// docs/spec/control-plane.md 2.10.
    private StreamEnd endOf(Status status) {
        String text = status.getDescription() == null ? "" : status.getDescription();
        if (status.getCause() != null) {
            text = text + " (" + status.getCause() + ")";
        }
        return new StreamEnd(reasonOf(status, text), status.getCode().name(), text);
    }

    private StreamEnd.Reason reasonOf(Status status, String text) {
        if (!answering && !status.isOk()) {
            return StreamEnd.Reason.CONNECTION_ERROR;
        }
        return switch (status.getCode()) {
            case OK -> StreamEnd.Reason.COMPLETE;
            case UNKNOWN, CANCELLED, DEADLINE_EXCEEDED -> StreamEnd.Reason.RECONNECT;
            case UNAVAILABLE ->
                    text.contains("transport is closing")
                                    || text.contains("received prior goaway")
                                    || text.contains("GOAWAY")
                            ? StreamEnd.Reason.RECONNECT
                            : StreamEnd.Reason.ERROR;
            default -> StreamEnd.Reason.ERROR;
        };
    }
}
