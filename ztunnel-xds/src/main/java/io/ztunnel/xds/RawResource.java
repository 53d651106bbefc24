package io.ztunnel.xds;

import com.google.protobuf.Any;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Parser;

import io.ztunnel.xds.proto.discovery.Resource;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/// The envelope of one resource, opened; its content still as bytes.
///
/// Used as a cursor over a response: one object, refilled for each resource.
final class RawResource {
    private static final int NAME = DeltaResponse.delimited(Resource.NAME_FIELD_NUMBER);
    private static final int ALIASES = DeltaResponse.delimited(Resource.ALIASES_FIELD_NUMBER);
    private static final int VERSION = DeltaResponse.delimited(Resource.VERSION_FIELD_NUMBER);
    private static final int RESOURCE = DeltaResponse.delimited(Resource.RESOURCE_FIELD_NUMBER);
    private static final int VALUE = DeltaResponse.delimited(Any.VALUE_FIELD_NUMBER);

    private String name = "";
    private String version = "";
    private List<String> aliases = List.of();
    private boolean filled;
    private byte[] bytes = new byte[0];
    private int from;
    private int length;

    /// Opens an encoded `Resource`. After a failure the name is known if it could be read.
    void open(byte[] encoded) throws IOException {
        name = "";
        version = "";
        aliases = List.of();
        filled = false;
        bytes = encoded;
        from = 0;
        length = 0;
        int anyFrom = 0;
        int anyLength = 0;
        CodedInputStream in = CodedInputStream.newInstance(encoded);
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (tag == NAME) {
                name = in.readStringRequireUtf8();
            } else if (tag == VERSION) {
                version = in.readStringRequireUtf8();
            } else if (tag == ALIASES) {
                aliases = aliases.isEmpty() ? new ArrayList<>(2) : aliases;
                aliases.add(in.readStringRequireUtf8());
            } else if (tag == RESOURCE) {
                filled = true;
                anyLength = in.readRawVarint32();
                anyFrom = in.getTotalBytesRead();
                in.skipRawBytes(anyLength);
            } else if (!in.skipField(tag)) {
                throw new InvalidProtocolBufferException("a group ends that never began");
            }
        }
        // Last, because the name stands behind it and a rejection should carry the name.
        openAny(encoded, anyFrom, anyLength);
    }

    private void openAny(byte[] encoded, int anyFrom, int anyLength) throws IOException {
        CodedInputStream in = CodedInputStream.newInstance(encoded, anyFrom, anyLength);
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (tag == VALUE) {
                length = in.readRawVarint32();
                from = anyFrom + in.getTotalBytesRead();
                in.skipRawBytes(length);
            } else if (!in.skipField(tag)) {
                throw new InvalidProtocolBufferException("a group ends that never began");
            }
        }
    }

    String name() {
        return name;
    }

    String version() {
        return version;
    }

    List<String> aliases() {
        return aliases;
    }

    /// Whether the envelope holds anything; an empty one is rejected.
    boolean filled() {
        return filled;
    }

    /// The size of the content in bytes.
    int valueLength() {
        return length;
    }

    <T> T decode(Parser<T> parser) throws InvalidProtocolBufferException {
        return parser.parseFrom(bytes, from, length);
    }
}
