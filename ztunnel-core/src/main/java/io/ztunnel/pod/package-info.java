/// What does one pod get?
///
/// On every worker the same: an outbound listener, a plaintext listener, a tunnel listener, where
/// asked for a SOCKS5 listener, and the tunnels behind them.
///
/// May use: `outbound`, `inbound`, `socks`, `dns` and below.
/// Read in this order: [PodProxy], [PodListeners].
@NullMarked
package io.ztunnel.pod;

import org.jspecify.annotations.NullMarked;
