package io.ztunnel.xds;

import org.jspecify.annotations.Nullable;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UTFDataFormatException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
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
/// Neither reading nor writing holds more than one resource at a time.
final class SnapshotFile {
    private static final byte[] MAGIC = {'Z', 'T', 'X', 'D', 'S'};
    private static final int VERSION = 1;
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
    /// @throws IOException also if it is damaged or of another version, saying which; then what was
    ///     visited before is worth nothing
    static void read(Path file, Visitor visitor) throws IOException {
        try (Reader reader = new Reader(file)) {
            while (reader.next(visitor)) {
                // The visitor has it.
            }
        }
    }

    /// A file on its way through memory, record by record.
    static final class Reader implements AutoCloseable {
        private final CRC32C crc = new CRC32C();
        private final DataInputStream in;

        Reader(Path file) throws IOException {
            in =
                    new DataInputStream(
                            new CheckedInputStream(
                                    new BufferedInputStream(Files.newInputStream(file), 1 << 16),
                                    crc));
            try {
                head();
            } catch (IOException refused) {
                in.close();
                throw refused;
            }
        }

        private void head() throws IOException {
            if (!Arrays.equals(in.readNBytes(MAGIC.length), MAGIC)) {
                throw new IOException("it is no snapshot");
            }
            int version = in.read();
            if (version != VERSION) {
                throw new IOException(
                        "it is of version %d, and only version %d is read here"
                                .formatted(version, VERSION));
            }
        }

        /// Hands over one record; false once the end was reached and found to be right.
        boolean next(Visitor visitor) throws IOException {
            try {
                int kind = in.readUnsignedByte();
                if (kind == END) {
                    long actual = crc.getValue();
                    if (in.readLong() != actual || in.read() >= 0) {
                        throw new IOException("it is damaged: its checksum is wrong");
                    }
                    return false;
                }
                String typeUrl = in.readUTF();
                if (kind == COMPLETE) {
                    visitor.complete(typeUrl);
                    return true;
                }
                int size = in.readInt();
                if (kind != RESOURCE || size < 0 || size > LARGEST_RESOURCE) {
                    throw new IOException("it is damaged: there is no such record");
                }
                byte[] encoded = in.readNBytes(size);
                if (encoded.length < size) {
                    throw new EOFException();
                }
                visitor.resource(typeUrl, encoded);
                return true;
            } catch (EOFException | UTFDataFormatException damaged) {
                throw new IOException("it is damaged: it is cut short or garbled", damaged);
            }
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }

    /// Writes the old content, as far as it is not overridden, and the changes behind it.
    ///
    /// @param old null to begin from nothing
    /// @param changes oldest first
    /// @param complete types that hold a complete picture now
    static void write(
            Path file, @Nullable Path old, List<KeptChanges> changes, Set<String> complete)
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
            out.writeByte(VERSION);
            if (old != null) {
                read(old, new Survivors(out, changes));
            }
            Copy copy = new Copy(out);
            for (int i = 0; i < changes.size(); i++) {
                changes.get(i).forEach(changes.subList(i + 1, changes.size()), copy);
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

    private record Copy(DataOutputStream out) implements Visitor {
        @Override
        public void resource(String typeUrl, byte[] encoded) throws IOException {
            out.writeByte(RESOURCE);
            out.writeUTF(typeUrl);
            out.writeInt(encoded.length);
            out.write(encoded);
        }

        @Override
        public void complete(String typeUrl) {}
    }

    /// Copies what the changes do not mention.
    private record Survivors(DataOutputStream out, List<KeptChanges> changes) implements Visitor {
        @Override
        public void resource(String typeUrl, byte[] encoded) throws IOException {
            RawResource raw = new RawResource();
            raw.open(encoded);
            String name = raw.name();
            if (changes.stream().noneMatch(change -> change.mentions(typeUrl, name))) {
                new Copy(out).resource(typeUrl, encoded);
            }
        }

        @Override
        public void complete(String typeUrl) {}
    }
}
