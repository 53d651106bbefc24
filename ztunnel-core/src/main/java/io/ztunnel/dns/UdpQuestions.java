package io.ztunnel.dns;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.DatagramPacket;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/// Takes questions in datagrams. Confined to the worker's loop.
final class UdpQuestions extends SimpleChannelInboundHandler<DatagramPacket> {
    private final DnsListener listener;

    UdpQuestions(DnsListener listener) {
        this.listener = listener;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, DatagramPacket packet) {
        InetSocketAddress client = packet.sender();
        if (!isAnswerable(client)) {
            listener.bad().count("source");
            return;
        }
        switch (QueryReader.read(packet.content())) {
            case QueryReader.Read.Unanswerable(String reason) -> listener.bad().count(reason);
            case QueryReader.Read.Malformed(Header header) -> {
                listener.bad().count("malformed");
                send(ctx.channel(), listener.answering().malformed(header), client);
            }
            case QueryReader.Read.Understood(Query query) -> {
                listener.datagramWaits();
                listener.answering()
                        .answer(
                                query,
                                Answering.Transport.UDP,
                                answer -> {
                                    send(ctx.channel(), answer, client);
                                    listener.datagramAnswered();
                                });
            }
        }
    }

    /// Somebody who does not take answers gets none: we do not keep them for him.
    private static void send(Channel channel, ByteBuf answer, InetSocketAddress client) {
        if (channel.isWritable()) {
            channel.writeAndFlush(new DatagramPacket(answer, client), channel.voidPromise());
        } else {
            answer.release();
        }
    }

    private static boolean isAnswerable(InetSocketAddress client) {
        InetAddress address = client.getAddress();
        return client.getPort() != 0
                && !address.isAnyLocalAddress()
                && !address.isMulticastAddress()
                && !(address instanceof Inet4Address
                        && address.getHostAddress().equals("255.255.255.255"));
    }

    /// The network says that somebody is not there to take an answer; others are.
    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        listener.bad().count("socket");
    }
}
