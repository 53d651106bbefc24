package io.ztunnel.hbone;

import org.jspecify.annotations.Nullable;

/// Why a stream did not open. [#text] is what the access log carries
/// (`docs/spec/config-observability-dns.md` 5.6).
public sealed interface OpenFailure {

    String text();

    /// True only when the peer provably did nothing with the request, or has said nothing since it
    /// went out, or said GOAWAY and left it unanswered: then it may have reached the application,
    /// but no byte has flowed.
    default boolean retryable() {
        return false;
    }

    /// No secured channel came about.
    record CouldNotConnect(Throwable cause) implements OpenFailure {
        @Override
        public String text() {
            return "io error: " + TunnelClosed.text(cause);
        }
    }

    /// The peer on the channel does not speak HTTP/2.
    record HandshakeFailed(Throwable cause) implements OpenFailure {
        @Override
        public String text() {
            return "http2 handshake failed: " + TunnelClosed.text(cause);
        }
    }

    /// The answer was not exactly 200.
    record Status(int code) implements OpenFailure {
        @Override
        public String text() {
            return "http status: " + StatusText.of(code);
        }
    }

    /// RST_STREAM instead of an answer, or an answer that broke the protocol.
    record Reset(long code, boolean byPeer) implements OpenFailure {
        @Override
        public String text() {
            return "h2 failed: " + new StreamFailure.Reset(code, byPeer).text();
        }

        @Override
        public boolean retryable() {
            return code == ResetCode.REFUSED_STREAM;
        }
    }

    /// The tunnel went away instead of an answer.
    ///
    /// @param cause null when the peer closed the connection without saying why
    /// @param unprocessed true when GOAWAY named a lower stream as the last, it never went out,
    ///     nothing was heard of the peer after it did, or there was no answer after a GOAWAY
    record TunnelLost(@Nullable Throwable cause, boolean unprocessed) implements OpenFailure {
        @Override
        public String text() {
            return "h2 failed: " + new StreamFailure.TunnelLost(cause).text();
        }

        @Override
        public boolean retryable() {
            return unprocessed;
        }
    }

    /// No answer within [TunnelSettings#answerTimeout].
    record TimedOut() implements OpenFailure {
        @Override
        public String text() {
            return "h2 failed: no answer to CONNECT in time";
        }
    }
}
