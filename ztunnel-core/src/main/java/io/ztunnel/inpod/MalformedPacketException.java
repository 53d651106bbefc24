package io.ztunnel.inpod;

import java.io.IOException;

/// A packet of the node agent that breaks the receive rules (docs/spec/inpod-and-deployment.md
/// 1.4). The message is the detail for the answer.
final class MalformedPacketException extends IOException {
    private static final long serialVersionUID = 1L;

    MalformedPacketException(String detail) {
        super(detail);
    }
}
