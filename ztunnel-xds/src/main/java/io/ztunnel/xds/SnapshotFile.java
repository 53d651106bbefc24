package io.ztunnel.xds;

import org.jspecify.annotations.Nullable;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;

/// What a control plane sent, as a file.
///
/// ```
/// "ZTXDS" version:u8                      this format; another version is refused
/// ( 1:u8 typeUrl:utf size:u32 bytes )*    one `Resource` each, as it was received
/// ( 2:u8 typeUrl:utf )*                   a type that was received completely
/// 0:u8 crc:u64                            CRC-32C of everything before it
/// ```
///
/// Written beside its place and then moved there, so that there is either the old or the new one.
final class SnapshotFile {
    private static final byte[] MAGIC = {'Z', 'T', 'X', 'D', 'S', 1};
    private static final int END = 0;
    private static final int RESOURCE = 1;
    private static final int COMPLETE = 2;
    private static final int LARGEST_RESOURCE = 200 << 20;

    private SnapshotFile() {}

    /// Takes what a file holds, in the order of the file.
    interface Visitor {
        void resource(String typeUrl, byte[] encoded) throws IOException;

        void complete(String typeUrl);
    }

    /// Reads a file to its end.
    ///
    /// @throws IOException also if it is damaged or of another version; then what was visited
    ///     before is worth nothing
    static void read(Path file, Visitor visitor) throws IOException {
        CRC32C crc = new CRC32C();
        try (DataInputStream in =
                new DataInputStream(
                        new CheckedInputStream(
                                new BufferedInputStream(Files.newInputStream(file), 1 << 16),
                                crc))) {
            if (!Arrays.equals(in.readNBytes(MAGIC.length), MAGIC)) {
                throw new IOException("not a snapshot of this version");
            }
            int kind;
            while ((kind = in.readUnsignedByte()) != END) {
                String typeUrl = in.readUTF();
                if (kind == COMPLETE) {
                    visitor.complete(typeUrl);
                    continue;
                }
                int size = in.readInt();
                if (kind != RESOURCE || size < 0 || size > LARGEST_RESOURCE) {
                    throw new IOException("the snapshot is damaged");
                }
                visitor.resource(typeUrl, in.readNBytes(size));
            }
            long actual = crc.getValue();
            if (in.readLong() != actual || in.read() >= 0) {
                throw new IOException("the snapshot is damaged");
            }
        }
    }

    /// Writes the old content, as far as it is not overridden, and the changes behind it.
    ///
    /// @param old null to begin from nothing
    /// @param changes by type URL, then by resource name; null where it is gone
    /// @param complete types that hold a complete picture now
    static void write(
            Path file,
            @Nullable Path old,
            Map<String, Map<String, byte @Nullable []>> changes,
            Set<String> complete)
            throws IOException {
        Path beside = file.resolveSibling(file.getFileName() + ".new");
        Files.deleteIfExists(beside);
        Files.createFile(
                beside,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        CRC32C crc = new CRC32C();
        try (FileChannel channel = FileChannel.open(beside, StandardOpenOption.WRITE)) {
            OutputStream buffered =
                    new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16);
            DataOutputStream out = new DataOutputStream(new CheckedOutputStream(buffered, crc));
            out.write(MAGIC);
            if (old != null) {
                read(old, new Survivors(out, changes));
            }
            for (Map.Entry<String, Map<String, byte @Nullable []>> type : changes.entrySet()) {
                for (byte @Nullable [] encoded : type.getValue().values()) {
                    if (encoded != null) {
                        resource(out, type.getKey(), encoded);
                    }
                }
            }
            for (String typeUrl : complete) {
                out.writeByte(COMPLETE);
                out.writeUTF(typeUrl);
            }
            out.writeByte(END);
            out.writeLong(crc.getValue());
            out.flush();
            channel.force(true);
        }
        Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE);
    }

    private static void resource(DataOutputStream out, String typeUrl, byte[] encoded)
            throws IOException {
        out.writeByte(RESOURCE);
        out.writeUTF(typeUrl);
        out.writeInt(encoded.length);
        out.write(encoded);
    }

    /// Copies what the changes do not mention.
    private record Survivors(
            DataOutputStream out, Map<String, Map<String, byte @Nullable []>> changes)
            implements Visitor {
        @Override
        public void resource(String typeUrl, byte[] encoded) throws IOException {
            RawResource raw = new RawResource();
            raw.open(encoded);
            Map<String, byte @Nullable []> changed = changes.get(typeUrl);
            if (changed == null || !changed.containsKey(raw.name())) {
                SnapshotFile.resource(out, typeUrl, encoded);
            }
        }

        @Override
        public void complete(String typeUrl) {}
    }
}
