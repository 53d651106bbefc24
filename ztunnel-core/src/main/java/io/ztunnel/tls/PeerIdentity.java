package io.ztunnel.tls;

import io.netty.handler.ssl.ReferenceCountedOpenSslEngine;
import io.netty.handler.ssl.SslHandler;
import io.netty.internal.tcnative.SSL;
import io.ztunnel.mesh.SpiffeId;

import org.jspecify.annotations.Nullable;

import javax.net.ssl.SSLSession;

/// Who the peer proved to be, and how the connection is protected.
///
/// @param identity the first parsable identity of the peer's leaf; what authorization goes by. Null
///     when the peer has none or the handshake is not over
/// @param version `TLSv1.3` or `TLSv1.2`
/// @param cipher the suite's name
/// @param group the key-exchange group, null when not known
public record PeerIdentity(
        @Nullable SpiffeId identity, String version, String cipher, @Nullable String group) {

    /// Reads it off a handler made by [TlsContexts], on its channel's loop, after the handshake.
    public static PeerIdentity of(SslHandler handler) {
        Credentials credentials =
                handler instanceof MeshTlsHandler mesh ? mesh.check().credentials() : null;
        SSLSession session = handler.engine().getSession();
        return new PeerIdentity(
                credentials == null ? null : credentials.peer().identity(),
                session.getProtocol(),
                session.getCipherSuite(),
                group(handler));
    }

    private static @Nullable String group(SslHandler handler) {
        if (!(handler.engine() instanceof ReferenceCountedOpenSslEngine engine)
                || engine.refCnt() <= 0) {
            return null;
        }
        try {
            return SSL.getGroupName(engine.sslPointer());
        } catch (Exception e) {
            return null;
        }
    }
}
