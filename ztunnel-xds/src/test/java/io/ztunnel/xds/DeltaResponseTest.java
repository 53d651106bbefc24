package io.ztunnel.xds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;

import io.ztunnel.xds.proto.discovery.DeltaDiscoveryResponse;
import io.ztunnel.xds.proto.workload.Address;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;

/// Reading a response where it lies.
class DeltaResponseTest {
    private static DeltaResponse read(byte[] bytes) throws IOException {
        return DeltaResponse.over(new ByteArrayInputStream(bytes));
    }

    private static List<ResourceUpdate<Address>> walk(LazyBatch<Address> batch) {
        List<ResourceUpdate<Address>> all = new ArrayList<>();
        batch.forEach(all::add);
        return all;
    }

    private static LazyBatch<Address> batch(byte[] bytes) throws IOException {
        return new LazyBatch<>(read(bytes), ResourceType.ADDRESS, Set.of(), null);
    }

    @Test
    void fieldsMayComeInAnyOrderAndUnknownOnesAreSkipped() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        out.writeString(5, "nonce");
        out.writeByteArray(2, Responses.workload("a", "1").toByteArray());
        out.writeByteArray(7, new byte[] {1, 2, 3});
        out.writeUInt32(9, 77);
        out.writeString(6, "gone");
        out.writeString(4, ResourceType.ADDRESS.typeUrl());
        out.writeByteArray(2, Responses.workload("b", "2", "alias").toByteArray());
        out.flush();

        DeltaResponse response = read(bytes.toByteArray());
        assertThat(response.nonce()).isEqualTo("nonce");
        assertThat(response.typeUrl()).isEqualTo(ResourceType.ADDRESS.typeUrl());
        assertThat(response.resourceCount()).isEqualTo(2);
        LazyBatch<Address> batch = new LazyBatch<>(response, ResourceType.ADDRESS, Set.of(), null);
        assertThat(walk(batch)).extracting(ResourceUpdate::name).containsExactly("a", "b", "gone");
        assertThat(batch.offered().get(1).aliases()).containsExactly("alias");
    }

    @Test
    void aStreamThatCannotBeResetIsCopied() throws IOException {
        byte[] bytes = Responses.addresses("n", Responses.workload("a", "1")).toByteArray();
        InputStream once =
                new SequenceInputStream(
                        InputStream.nullInputStream(), new ByteArrayInputStream(bytes));
        assertThat(once.markSupported()).isFalse();
        var batch = new LazyBatch<>(DeltaResponse.over(once), ResourceType.ADDRESS, Set.of(), null);
        assertThat(walk(batch)).hasSize(1);
    }

    @Test
    void anEnvelopeBrokenInsideIsRejectedUnderItsName() throws IOException {
        ByteArrayOutputStream envelope = new ByteArrayOutputStream();
        CodedOutputStream out = CodedOutputStream.newInstance(envelope);
        out.writeByteArray(2, new byte[] {0x12, 0x7f, 1});
        out.writeString(3, "broken");
        out.flush();
        byte[] bytes =
                DeltaDiscoveryResponse.newBuilder()
                        .addResources(Responses.workload("a", "1"))
                        .build()
                        .toByteString()
                        .concat(ByteString.copyFrom(new byte[] {0x12, (byte) envelope.size()}))
                        .concat(ByteString.copyFrom(envelope.toByteArray()))
                        .concat(
                                DeltaDiscoveryResponse.newBuilder()
                                        .addResources(Responses.workload("b", "1"))
                                        .build()
                                        .toByteString())
                        .toByteArray();

        LazyBatch<Address> batch = batch(bytes);

        assertThat(walk(batch)).extracting(ResourceUpdate::name).containsExactly("a", "b");
        assertThat(batch.undecodable())
                .singleElement()
                .extracting(Rejection::name)
                .isEqualTo("broken");
    }

    @Test
    void aResponseCutShortFailsBeforeAnythingIsHandedOut() {
        byte[] whole = Responses.addresses("nonce", Responses.workload("a", "1")).toByteArray();
        int failures = 0;
        for (int length = 1; length < whole.length; length++) {
            try {
                read(java.util.Arrays.copyOf(whole, length));
            } catch (IOException cut) {
                failures++;
            }
        }
        // Only a cut between two fields leaves something that is a response.
        assertThat(failures).isEqualTo(whole.length - 1 - 2);
    }

    @Test
    void randomBytesNeverDoWorseThanAnIoException() {
        Random random = new Random(11);
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = new byte[random.nextInt(40)];
            random.nextBytes(bytes);
            // Half of them start like a resource, to get into the envelope.
            if (bytes.length > 2 && random.nextBoolean()) {
                bytes[0] = 0x12;
                bytes[1] = (byte) (bytes.length - 2);
            }
            try {
                LazyBatch<Address> batch = batch(bytes);
                walk(batch);
                assertThat(batch.walked()).isTrue();
            } catch (IOException garbage) {
                assertThat(garbage).hasMessageNotContaining("null");
            }
        }
    }

    @Test
    void theBatchIsWalkedOnce() throws IOException {
        LazyBatch<Address> batch = batch(new byte[0]);
        walk(batch);
        assertThatThrownBy(batch::iterator).isInstanceOf(IllegalStateException.class);
    }

    /// Nothing is kept of a resource once it was handed out: 200 MiB pass through a heap that could
    /// not hold the message as objects.
    @Test
    void aResponseOf200MiBIsReadPieceByPiece() throws IOException {
        byte[] one =
                DeltaDiscoveryResponse.newBuilder()
                        .addResources(Responses.workload("Kubernetes//Pod/ns/pod", "v".repeat(400)))
                        .build()
                        .toByteArray();
        RepeatedStream stream = new RepeatedStream(one, (200 << 20) / one.length);
        DeltaResponse response = DeltaResponse.over(stream);
        assertThat(response.resourceCount()).isEqualTo((200 << 20) / one.length);
        long ahead = 0;
        int read = 0;
        byte[] encoded;
        while ((encoded = response.nextResource()) != null) {
            read++;
            ahead = Math.max(ahead, stream.position() - (long) read * one.length);
            assertThat(encoded.length).isLessThan(one.length);
        }
        assertThat(read).isEqualTo(response.resourceCount());
        assertThat(ahead).as("bytes read ahead of what was handed out").isLessThan(64 << 10);
    }
}
