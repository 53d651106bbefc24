package io.ztunnel.net;

import java.net.BindException;
import java.net.InetSocketAddress;

/// A port that could not be listened on. The message names the address and says why.
public final class RefusedPort extends BindException {
    private static final long serialVersionUID = 1L;

    private final int port;

    RefusedPort(InetSocketAddress address, String message, Throwable cause) {
        super(message);
        initCause(cause);
        this.port = address.getPort();
    }

    public int port() {
        return port;
    }
}
