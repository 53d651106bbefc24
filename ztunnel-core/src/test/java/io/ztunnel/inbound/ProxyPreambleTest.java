package io.ztunnel.inbound;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.haproxy.HAProxyMessage;
import io.netty.handler.codec.haproxy.HAProxyMessageDecoder;
import io.netty.handler.codec.haproxy.HAProxyProxiedProtocol;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.SpiffeId;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.util.Random;

/// What we announce to a sandwiched waypoint, read by somebody else's decoder
/// (docs/spec/dataplane.md 3.5, rows 73, 76, 92).
class ProxyPreambleTest {
    private static final SpiffeId CLIENT = new SpiffeId("cluster.local", "shop", "cart");
    private static final IpAddress V4 = IpAddress.parse("10.0.0.1");
    private static final IpAddress OTHER_V4 = IpAddress.parse("10.0.0.2");
    private static final IpAddress V6 = IpAddress.parse("fd00::1");

    @Test
    void row73_bothIpv4CarryAddressesPortsAndIdentity() {
        HAProxyMessage message = decoded(V4, 40112, OTHER_V4, 8080, CLIENT);
        try {
            assertThat(message.proxiedProtocol()).isEqualTo(HAProxyProxiedProtocol.TCP4);
            assertThat(message.sourceAddress()).isEqualTo("10.0.0.1");
            assertThat(message.sourcePort()).isEqualTo(40112);
            assertThat(message.destinationAddress()).isEqualTo("10.0.0.2");
            assertThat(message.destinationPort()).isEqualTo(8080);
            assertThat(message.tlvs()).hasSize(1);
            assertThat(message.tlvs().getFirst().typeByteValue()).isEqualTo((byte) 0xd0);
            assertThat(message.tlvs().getFirst().content().toString(UTF_8))
                    .isEqualTo("spiffe://cluster.local/ns/shop/sa/cart");
        } finally {
            message.release();
        }
    }

    @Test
    void bothIpv6AreAnnouncedAsSuch() {
        HAProxyMessage message = decoded(V6, 1, IpAddress.parse("fd00::2"), 65535, null);
        try {
            assertThat(message.proxiedProtocol()).isEqualTo(HAProxyProxiedProtocol.TCP6);
            assertThat(message.destinationPort()).isEqualTo(65535);
            assertThat(message.tlvs()).isEmpty();
        } finally {
            message.release();
        }
    }

    @Test
    void row92_mixedFamiliesGoWithoutAddresses() {
        ByteBuf bytes = write(V4, 1, V6, 2, CLIENT);
        try {
            // The stranger's decoder stops at an unspecified family, so these are the bytes:
            // version 2 PROXY, unspecified over stream, and only the identity behind.
            assertThat(ByteBufUtil.hexDump(bytes, 12, 4)).startsWith("2101").hasSize(8);
            assertThat(bytes.getUnsignedShort(14)).isEqualTo(bytes.readableBytes() - 16);
            assertThat(bytes.getUnsignedByte(16)).isEqualTo((short) 0xd0);
        } finally {
            bytes.release();
        }
    }

    @Test
    void whateverIsAnnouncedIsUnderstood() {
        Random random = new Random(92);
        for (int i = 0; i < 2000; i++) {
            IpAddress source = v4(random);
            IpAddress target = v4(random);
            int port = random.nextInt(65536);
            HAProxyMessage message =
                    decoded(source, port, target, 65535 - port, i % 2 == 0 ? CLIENT : null);
            try {
                assertThat(message.sourceAddress()).isEqualTo(source.toString());
                assertThat(message.destinationAddress()).isEqualTo(target.toString());
                assertThat(message.sourcePort()).isEqualTo(port);
            } finally {
                message.release();
            }
        }
    }

    private static IpAddress v4(Random random) {
        byte[] bytes = new byte[4];
        random.nextBytes(bytes);
        return IpAddress.of(bytes);
    }

    private static HAProxyMessage decoded(
            IpAddress source, int port, IpAddress target, int toPort, @Nullable SpiffeId peer) {
        EmbeddedChannel stranger = new EmbeddedChannel(new HAProxyMessageDecoder());
        stranger.writeInbound(write(source, port, target, toPort, peer));
        HAProxyMessage message = stranger.readInbound();
        stranger.finishAndReleaseAll();
        return message;
    }

    private static ByteBuf write(
            IpAddress source, int port, IpAddress target, int toPort, @Nullable SpiffeId peer) {
        return ProxyPreamble.write(
                UnpooledByteBufAllocator.DEFAULT, source, port, target, toPort, peer);
    }
}
