package io.ztunnel.outbound;

import io.ztunnel.hbone.OpenFailure;
import io.ztunnel.hbone.TunnelClosed;
import io.ztunnel.observe.ResponseFlag;
import io.ztunnel.tls.CredentialsEnded;

/// Why the next hop was not reached, in the words of the access log
/// (docs/spec/config-observability-dns.md 5.6).
///
/// An exception only because futures want one: it has no stack trace.
final class DialFailure extends Exception {
    private static final long serialVersionUID = 1L;

    /// Whose failure it is, which decides whether somebody else may do better.
    enum Fault {
        /// Ours: no certificate, or we are leaving. It would be the same elsewhere.
        OURS,
        /// The peer has judged the request or us, and says no. Nobody else is asked.
        DENIED,
        /// The hop was not reached, or is not who it should be.
        HOP,
        /// The hop was reached; what is behind it was not.
        BEHIND,
        /// The hop takes nothing more for the moment.
        BUSY
    }

    private final ResponseFlag flag;
    private final String text;
    private final Fault fault;

    DialFailure(ResponseFlag flag, String text, Fault fault) {
        super(text, null, false, false);
        this.flag = flag;
        this.text = text;
        this.fault = fault;
    }

    /// What became of opening a stream; a failure of [TunnelFactory] is passed on as it is.
    static DialFailure of(OpenFailure failure) {
        return switch (failure) {
            case OpenFailure.CouldNotConnect it when it.cause() instanceof DialFailure dialing ->
                    dialing;
            case OpenFailure.TunnelLost it when it.cause() instanceof CredentialsEnded ended ->
                    new DialFailure(
                            ended.revoked() ? ResponseFlag.CERT_REVOKED : ResponseFlag.TLS_FAILURE,
                            String.valueOf(ended.getMessage()),
                            Fault.HOP);
            case OpenFailure.CouldNotConnect _ ->
                    new DialFailure(ResponseFlag.CONNECT, failure.text(), Fault.HOP);
            case OpenFailure.Status(int code) ->
                    new DialFailure(
                            ResponseFlag.CONNECT,
                            failure.text(),
                            // All else is about the request, and the same everywhere.
                            code >= 502 && code <= 504 ? Fault.BEHIND : Fault.DENIED);
            case OpenFailure.Reset reset when reset.retryable() -> handshake(failure, Fault.BUSY);
            case OpenFailure.TunnelLost(var cause, _)
                    when cause instanceof TunnelClosed end && end.by() == TunnelClosed.By.US ->
                    handshake(failure, Fault.OURS);
            case OpenFailure.HandshakeFailed _,
                    OpenFailure.Reset _,
                    OpenFailure.TunnelLost _,
                    OpenFailure.TimedOut _ ->
                    handshake(failure, Fault.HOP);
        };
    }

    private static DialFailure handshake(OpenFailure failure, Fault fault) {
        return new DialFailure(ResponseFlag.H2_HANDSHAKE_FAILURE, failure.text(), fault);
    }

    /// The same as seen from outside a tunnel in which it happened: the far end balances by itself,
    /// so a new try may lead to somebody else.
    DialFailure inside() {
        return fault == Fault.HOP || fault == Fault.BUSY
                ? new DialFailure(flag, text, Fault.BEHIND)
                : this;
    }

    ResponseFlag flag() {
        return flag;
    }

    String text() {
        return text;
    }

    Fault fault() {
        return fault;
    }
}
