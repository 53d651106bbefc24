package io.ztunnel.socks;

/// What a client is told (RFC 1928 6); the bound address is always `0.0.0.0:0`
/// (docs/spec/dataplane.md 10).
enum SocksReply {
    SUCCEEDED(0),
    GENERAL_FAILURE(1),
    HOST_UNREACHABLE(4),
    NOT_SUPPORTED(7);

    private final byte code;

    SocksReply(int code) {
        this.code = (byte) code;
    }

    byte[] bytes() {
        return new byte[] {5, code, 0, 1, 0, 0, 0, 0, 0, 0};
    }
}
