package io.ztunnel.inpod;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;

import io.ztunnel.inpod.proto.Ack;
import io.ztunnel.inpod.proto.AddWorkload;
import io.ztunnel.inpod.proto.Version;
import io.ztunnel.inpod.proto.WorkloadInfo;
import io.ztunnel.inpod.proto.WorkloadRequest;
import io.ztunnel.inpod.proto.WorkloadResponse;
import io.ztunnel.inpod.proto.ZdsHello;
import io.ztunnel.net.NetnsId;
import io.ztunnel.worker.PodInfo;
import io.ztunnel.worker.PodUid;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;

/// Between packets and values (docs/spec/inpod-and-deployment.md 1.2, steps 5 and 6 of 1.4).
final class ZdsCodec {
    /// Both sides read into buffers of this size; anything longer is an error there.
    static final int MAX_PACKET_BYTES = 1024;

    /// What fits into an answer, with room to spare for its frame.
    static final int MAX_ERROR_BYTES = 900;

    /// What came beside the bytes of a packet.
    sealed interface Attachment {
        record None() implements Attachment {}

        record Namespace(NetnsId id) implements Attachment {}

        /// One descriptor, but not of a namespace that we can serve.
        record Unusable(String reason) implements Attachment {}
    }

    private ZdsCodec() {}

    /// Our first packet.
    static byte[] hello() {
        return ZdsHello.newBuilder().setVersion(Version.V1).build().toByteArray();
    }

    /// The answer that all went well.
    static byte[] done() {
        return answer(ByteString.EMPTY);
    }

    /// The answer that something went wrong.
    ///
    /// @param error cut to [#MAX_ERROR_BYTES], between characters
    static byte[] failed(String error) {
        return answer(ByteString.copyFrom(capped(error)));
    }

    /// @throws MalformedPacketException when the bytes are no message, or the attachment does not
    ///     go with it
    static ZdsMessage decode(byte[] packet, Attachment attachment) throws MalformedPacketException {
        WorkloadRequest request = parsed(packet);
        boolean attached = !(attachment instanceof Attachment.None);
        return switch (request.getPayloadCase()) {
            case ADD -> add(request.getAdd(), attachment);
            case KEEP ->
                    alone(attached, "keep", new ZdsMessage.Keep(uid(request.getKeep().getUid())));
            case DEL ->
                    alone(attached, "del", new ZdsMessage.Delete(uid(request.getDel().getUid())));
            case SNAPSHOT_SENT -> alone(attached, "snapshot_sent", new ZdsMessage.SnapshotSent());
            case PAYLOAD_NOT_SET -> alone(attached, "a request we do not know", unknown(request));
        };
    }

    private static ZdsMessage unknown(WorkloadRequest request) throws MalformedPacketException {
        return new ZdsMessage.Unknown(
                request.getUnknownFields().asMap().keySet().stream()
                        .min(Integer::compare)
                        .orElseThrow(
                                () -> new MalformedPacketException("a request without a payload")));
    }

    private static WorkloadRequest parsed(byte[] packet) throws MalformedPacketException {
        try {
            return WorkloadRequest.parseFrom(packet);
        } catch (InvalidProtocolBufferException malformed) {
            throw new MalformedPacketException("not a request: " + malformed.getMessage());
        }
    }

    private static ZdsMessage add(AddWorkload add, Attachment attachment)
            throws MalformedPacketException {
        PodUid uid = uid(add.getUid());
        @Nullable PodInfo info = add.hasWorkloadInfo() ? info(add.getWorkloadInfo()) : null;
        return switch (attachment) {
            case Attachment.None _ -> throw new MalformedPacketException("add without a namespace");
            case Attachment.Namespace netns -> new ZdsMessage.Add(uid, info, netns.id());
            case Attachment.Unusable netns -> new ZdsMessage.AddUnusable(uid, info, netns.reason());
        };
    }

    private static ZdsMessage alone(boolean attached, String what, ZdsMessage message)
            throws MalformedPacketException {
        if (attached) {
            throw new MalformedPacketException(what + " with a file descriptor");
        }
        return message;
    }

    private static PodUid uid(String text) {
        return new PodUid(text);
    }

    private static PodInfo info(WorkloadInfo info) {
        return new PodInfo(info.getName(), info.getNamespace(), info.getServiceAccount());
    }

    private static byte[] answer(ByteString error) {
        return WorkloadResponse.newBuilder()
                .setAck(Ack.newBuilder().setErrorBytes(error))
                .build()
                .toByteArray();
    }

    private static byte[] capped(String text) {
        byte[] whole = text.getBytes(UTF_8);
        if (whole.length <= MAX_ERROR_BYTES) {
            return whole;
        }
        int end = MAX_ERROR_BYTES;
        while ((whole[end] & 0xc0) == 0x80) {
            end--;
        }
        return Arrays.copyOf(whole, end);
    }
}
