package io.ztunnel.xds;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;

import io.ztunnel.xds.proto.discovery.DeltaDiscoveryResponse;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;

/// A `DeltaDiscoveryResponse` that is read where it lies, one resource at a time.
///
/// The type of a response stands behind its resources on the wire, hence two passes: the first
/// skips the resources and reads everything else, the second hands out each resource's bytes. The
/// stream gives its buffers back as the second pass consumes them.
///
/// A response whose own framing is broken fails in the first pass, before anything was applied.
public final class DeltaResponse {
    private static final int RESOURCES = delimited(DeltaDiscoveryResponse.RESOURCES_FIELD_NUMBER);
    private static final int TYPE_URL = delimited(DeltaDiscoveryResponse.TYPE_URL_FIELD_NUMBER);
    private static final int NONCE = delimited(DeltaDiscoveryResponse.NONCE_FIELD_NUMBER);
    private static final int REMOVED =
            delimited(DeltaDiscoveryResponse.REMOVED_RESOURCES_FIELD_NUMBER);

    /// Where the encoded resources come from.
    @FunctionalInterface
    interface Resources {
        /// The one that follows, or null after the last.
        byte @Nullable [] next() throws IOException;
    }

    private final Resources resources;
    private final String typeUrl;
    private final String nonce;
    private final List<String> removedNames;
    private final int resourceCount;

    private DeltaResponse(
            Resources resources,
            String typeUrl,
            String nonce,
            List<String> removedNames,
            int resourceCount) {
        this.resources = resources;
        this.typeUrl = typeUrl;
        this.nonce = nonce;
        this.removedNames = removedNames;
        this.resourceCount = resourceCount;
    }

    /// Reads all but the resources. The stream must stay open while the response is in use; a
    /// stream that cannot be reset is copied first.
    ///
    /// @throws IOException if the bytes are no `DeltaDiscoveryResponse`
    public static DeltaResponse over(InputStream stream) throws IOException {
        InputStream body =
                stream.markSupported() ? stream : new ByteArrayInputStream(stream.readAllBytes());
        body.mark(Integer.MAX_VALUE);
        CodedInputStream in = unlimited(body);
        String typeUrl = "";
        String nonce = "";
        List<String> removed = new ArrayList<>();
        int resources = 0;
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (tag == RESOURCES) {
                in.skipRawBytes(in.readRawVarint32());
                resources++;
            } else if (tag == TYPE_URL) {
                typeUrl = in.readStringRequireUtf8();
            } else if (tag == NONCE) {
                nonce = in.readStringRequireUtf8();
            } else if (tag == REMOVED) {
                removed.add(in.readStringRequireUtf8());
            } else if (!in.skipField(tag)) {
                throw new InvalidProtocolBufferException("a group ends that never began");
            }
        }
        body.reset();
        CodedInputStream second = unlimited(body);
        return new DeltaResponse(() -> nextOf(second), typeUrl, nonce, removed, resources);
    }

    /// What was received earlier, as one response of a type; nobody answers it.
    static DeltaResponse of(String typeUrl, int resourceCount, Resources resources) {
        return new DeltaResponse(resources, typeUrl, "", List.of(), resourceCount);
    }

    public String typeUrl() {
        return typeUrl;
    }

    public String nonce() {
        return nonce;
    }

    public List<String> removedNames() {
        return removedNames;
    }

    public int resourceCount() {
        return resourceCount;
    }

    /// The encoded `Resource` that follows, or null after the last. Each is handed out once.
    byte @Nullable [] nextResource() throws IOException {
        return resources.next();
    }

    private static byte @Nullable [] nextOf(CodedInputStream body) throws IOException {
        for (int tag = body.readTag(); tag != 0; tag = body.readTag()) {
            if (tag == RESOURCES) {
                return body.readRawBytes(body.readRawVarint32());
            }
            body.skipField(tag);
        }
        return null;
    }

    private static CodedInputStream unlimited(InputStream stream) {
        // The transport limits the size of a message; a second limit here would only hide that one.
        CodedInputStream in = CodedInputStream.newInstance(stream);
        in.setSizeLimit(Integer.MAX_VALUE);
        return in;
    }

    /// The tag of a length-delimited field: protobuf keeps its own maker of tags to itself.
    static int delimited(int fieldNumber) {
        return fieldNumber << 3 | WireFormat.WIRETYPE_LENGTH_DELIMITED;
    }
}
