package io.ztunnel.hbone;

import io.netty.channel.Channel;
import io.netty.util.concurrent.Promise;

/// Where a pool gets its channels from.
public interface TunnelOpener<K> {

    /// Connects to what `key` names and completes the promise with a channel of the pool's loop
    /// whose TLS handshake is finished, or fails it. If the promise was cancelled meanwhile, the
    /// channel is the opener's to close.
    void open(K key, Promise<Channel> secured);
}
