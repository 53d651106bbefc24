package io.ztunnel.inpod;

import io.ztunnel.inpod.ZdsCodec.Attachment;
import io.ztunnel.net.linux.LibC;
import io.ztunnel.net.linux.SeqPacketSocket;
import io.ztunnel.net.linux.SystemCallException;

import org.jspecify.annotations.Nullable;

import java.io.EOFException;
import java.io.IOException;
import java.util.List;

/// Reads one message after the other, and lets no descriptor go astray
/// (docs/spec/inpod-and-deployment.md 1.4).
final class ZdsReader {
    private final SeqPacketSocket socket;

    ZdsReader(SeqPacketSocket socket) {
        this.socket = socket;
    }

    /// @param netns belongs to whoever gets this; null except with [ZdsMessage.Add]
    record Received(ZdsMessage message, @Nullable PodNamespace netns) {}

    /// The next message, or null when there is none yet.
    ///
    /// @throws EOFException when the agent has closed
    /// @throws MalformedPacketException when the packet breaks a rule; nothing of it is kept
    @Nullable Received next() throws IOException {
        SeqPacketSocket.Packet packet = socket.receive();
        if (packet == null) {
            return null;
        }
        // First of all the descriptors: whatever is wrong with the packet, they are ours to close.
        List<Integer> descriptors = packet.descriptors();
        if (descriptors.size() > 1 || packet.cut() || packet.ended()) {
            closeAll(descriptors);
            throw refusal(packet);
        }
        PodNamespace netns = null;
        Attachment attachment = new Attachment.None();
        if (!descriptors.isEmpty()) {
            try {
                netns = PodNamespace.of(descriptors.getFirst());
                attachment = attachment(netns);
            } catch (IOException unusable) {
                attachment = new Attachment.Unusable(String.valueOf(unusable.getMessage()));
            }
        }
        boolean handedOver = false;
        try {
            ZdsMessage message = ZdsCodec.decode(packet.bytes(), attachment);
            handedOver = message instanceof ZdsMessage.Add;
            return new Received(message, handedOver ? netns : null);
        } finally {
            if (netns != null && !handedOver) {
                netns.close();
            }
        }
    }

    private static Attachment attachment(PodNamespace netns) {
        return netns.isOurs()
                ? new Attachment.Unusable("the network namespace is the node proxy's own")
                : new Attachment.Namespace(netns.id());
    }

    private static IOException refusal(SeqPacketSocket.Packet packet) {
        if (packet.ended()) {
            return new EOFException("the node agent closed the connection");
        }
        if (packet.descriptors().size() > 1) {
            return new MalformedPacketException("more than one file descriptor");
        }
        return new MalformedPacketException(
                "the packet has more than "
                        + ZdsCodec.MAX_PACKET_BYTES
                        + " bytes or too many file descriptors",
                true);
    }

    private static void closeAll(List<Integer> descriptors) throws SystemCallException {
        for (int descriptor : descriptors) {
            LibC.close(descriptor);
        }
    }
}
