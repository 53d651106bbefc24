package io.ztunnel.admin;

import java.nio.charset.StandardCharsets;

/// What one request is answered with; an empty content type is none.
final class Answer {
    private static final byte[] NOTHING = {};

    final int status;
    final String contentType;
    final byte[] body;

    private Answer(int status, String contentType, byte[] body) {
        this.status = status;
        this.contentType = contentType;
        this.body = body;
    }

    static Answer text(int status, String body) {
        return new Answer(status, "text/plain", body.getBytes(StandardCharsets.UTF_8));
    }

    static Answer of(String contentType, byte[] body) {
        return new Answer(200, contentType, body);
    }

    static Answer empty(int status) {
        return new Answer(status, "", NOTHING);
    }
}
