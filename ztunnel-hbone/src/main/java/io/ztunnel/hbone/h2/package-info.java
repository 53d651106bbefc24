/// How do HTTP/2 frames read and write?
///
/// Framing alone: bytes to frames and back, HPACK, the table of streams, error codes, and the
/// rates at which a peer may make us work. No sockets, no streams' life, no policy of tunnels.
/// Nobody outside this module imports it.
///
/// May use: Netty buffers and its HPACK. Read in this order: [FrameReader], [FrameSink],
/// [FrameWriter], [HeaderBlocks].
@NullMarked
package io.ztunnel.hbone.h2;

import org.jspecify.annotations.NullMarked;
