package io.ztunnel.ca;

import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.Channel;
import io.netty.channel.EventLoopGroup;

import org.jspecify.annotations.Nullable;

/// Which event loop carries the connection to the CA.
///
/// @param loops the owner ends it, after the authority was closed; null takes gRPC's own shared
///     group
/// @param channelType the socket type that goes with the loops; null with null loops
public record CaTransport(
        @Nullable EventLoopGroup loops, @Nullable Class<? extends Channel> channelType) {

    /// gRPC's own event loops, made at the first call.
    public static final CaTransport DEFAULT = new CaTransport(null, null);

    void apply(NettyChannelBuilder builder) {
        if (loops != null && channelType != null) {
            builder.eventLoopGroup(loops).channelType(channelType);
        }
    }
}
