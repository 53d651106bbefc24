package io.ztunnel.bench;

/// Something that keeps one measurement, or the whole run, from being made; the message is for the
/// person at the terminal.
final class LabFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    LabFailure(String message) {
        super(message);
    }

    LabFailure(String message, Throwable cause) {
        super(message + ": " + cause.getMessage(), cause);
    }
}
