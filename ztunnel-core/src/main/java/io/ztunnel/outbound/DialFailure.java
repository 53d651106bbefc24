package io.ztunnel.outbound;

import io.ztunnel.hbone.OpenFailure;
import io.ztunnel.observe.ResponseFlag;

/// Why the next hop was not reached, in the words of the access log
/// (docs/spec/config-observability-dns.md 5.6).
///
/// An exception only because futures want one: it has no stack trace.
final class DialFailure extends Exception {
    private static final long serialVersionUID = 1L;

    private final ResponseFlag flag;
    private final String text;

    DialFailure(ResponseFlag flag, String text) {
        super(text, null, false, false);
        this.flag = flag;
        this.text = text;
    }

    /// What became of opening a stream; a failure of [TunnelFactory] is passed on as it is.
    static DialFailure of(OpenFailure failure) {
        return switch (failure) {
            case OpenFailure.CouldNotConnect it when it.cause() instanceof DialFailure dialing ->
                    dialing;
            case OpenFailure.CouldNotConnect _, OpenFailure.Status _ ->
                    new DialFailure(ResponseFlag.CONNECT, failure.text());
            case OpenFailure.HandshakeFailed _,
                    OpenFailure.Reset _,
                    OpenFailure.TunnelLost _,
                    OpenFailure.TimedOut _ ->
                    new DialFailure(ResponseFlag.H2_HANDSHAKE_FAILURE, failure.text());
        };
    }

    ResponseFlag flag() {
        return flag;
    }

    String text() {
        return text;
    }
}
