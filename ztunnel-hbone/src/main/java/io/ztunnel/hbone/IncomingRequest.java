package io.ztunnel.hbone;

import io.netty.handler.codec.http2.Http2Headers;

import org.jspecify.annotations.Nullable;

import java.util.List;

/// A request between its arrival and its answer.
final class IncomingRequest implements IncomingConnect {

    private final ServerConnection tunnel;
    private final Stream stream;
    private final Http2Headers headers;
    private boolean answered;
    private boolean abandoned;
    private @Nullable Runnable onAbandoned;

    IncomingRequest(ServerConnection tunnel, Stream stream, Http2Headers headers) {
        this.tunnel = tunnel;
        this.stream = stream;
        this.headers = headers;
    }

    @Override
    public String method() {
        return String.valueOf(headers.method());
    }

    @Override
    public @Nullable String authority() {
        CharSequence authority = headers.authority();
        return authority == null ? null : authority.toString();
    }

    @Override
    public @Nullable String first(String name) {
        CharSequence value = headers.get(name);
        return value == null ? null : value.toString();
    }

    @Override
    public @Nullable String joined(String name) {
        return HeaderText.joined(headers, name);
    }

    @Override
    public TunnelStream accept(@Nullable String baggage) {
        answer();
        if (!stream.closed()) {
            tunnel.answer(stream, baggage);
        }
        return stream;
    }

    @Override
    public void refuse(int status) {
        answer();
        if (!stream.closed()) {
            tunnel.refuse(stream, status);
        }
    }

    private void answer() {
        if (answered) {
            throw new IllegalStateException("the request was answered before");
        }
        answered = true;
        stream.unanswered = null;
        onAbandoned = null;
    }

    @Override
    public void onAbandoned(Runnable action) {
        if (abandoned) {
            action.run();
        } else {
            onAbandoned = action;
        }
    }

    void abandoned() {
        abandoned = true;
        Runnable action = onAbandoned;
        onAbandoned = null;
        if (action != null) {
            action.run();
        }
    }

    @Override
    public Tunnel tunnel() {
        return tunnel;
    }

    @Override
    public String toString() {
        List<CharSequence> forwarded = headers.getAll("forwarded");
        return method() + " " + authority() + (forwarded.isEmpty() ? "" : " " + forwarded);
    }
}
