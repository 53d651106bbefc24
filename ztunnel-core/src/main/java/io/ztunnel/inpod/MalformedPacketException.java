package io.ztunnel.inpod;

import java.io.IOException;

/// A packet of the node agent that breaks the receive rules (docs/spec/inpod-and-deployment.md
/// 1.4). The message is the detail for the answer.
final class MalformedPacketException extends IOException {
    private static final long serialVersionUID = 1L;

    private final boolean cut;

    MalformedPacketException(String detail) {
        this(detail, false);
    }

    /// @param cut whether the kernel could not deliver all of it
    MalformedPacketException(String detail, boolean cut) {
        super(detail);
        this.cut = cut;
    }

    boolean isCut() {
        return cut;
    }
}
