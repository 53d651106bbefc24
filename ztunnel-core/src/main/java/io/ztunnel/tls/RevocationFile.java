package io.ztunnel.tls;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.security.cert.CRLException;
import java.util.Arrays;

/// The file of `CRL_PATH`: looked at again and again, taken as a whole or not at all
/// (docs/spec/identity-and-tls.md 6.2).
///
/// What is wrong with it is said once, and the last good version stays in force. Looking works
/// where notifications do not, on network mounts and through the symbolic links that Kubernetes
/// swaps, and costs one `stat`. Confined to one thread, which may read files.
public final class RevocationFile {

    /// What came of a look.
    public enum Look {
        /// Nothing is new.
        SAME,
        /// Other lists are in force now.
        LOADED,
        /// A new version of the file is not taken.
        FAILED
    }

    private static final Logger LOG = LoggerFactory.getLogger(RevocationFile.class);

    /// Looks after which the content is compared although nothing seems to have changed.
    private static final int LOOKS_UNTIL_READ = 60;

    /// What tells versions of a file apart without reading it.
    private record Stamp(@Nullable Object key, FileTime modified, long size) {}

    private final Path path;
    private final Revocations into;
    private @Nullable Stamp taken;
    private @Nullable Stamp seen;
    private byte @Nullable [] content;
    private @Nullable String complaint;
    private int looks;

    public RevocationFile(Path path, Revocations into) {
        this.path = path;
        this.into = into;
    }

    /// Reads the file whatever it looks like: at start, before the first handshake.
    public Look load() {
        try {
            return read(stamp());
        } catch (NoSuchFileException missing) {
            return failed("not found; it is enforced as soon as it exists");
        } catch (IOException unreadable) {
            return failed("cannot be read: " + unreadable);
        }
    }

    /// Takes a version that has held still since the last look: a file that is being written is not
    /// read half.
    public Look look() {
        try {
            Stamp now = stamp();
            boolean still = now.equals(seen);
            seen = now;
            if (!still) {
                return Look.SAME;
            }
            if (now.equals(taken) && ++looks < LOOKS_UNTIL_READ) {
                return Look.SAME;
            }
            return read(now);
        } catch (NoSuchFileException missing) {
            seen = null;
            taken = null;
            return failed("not found");
        } catch (IOException unreadable) {
            return failed("cannot be read: " + unreadable);
        }
    }

    private Stamp stamp() throws IOException {
        BasicFileAttributes about = Files.readAttributes(path, BasicFileAttributes.class);
        return new Stamp(about.fileKey(), about.lastModifiedTime(), about.size());
    }

    private Look read(Stamp stamp) throws IOException {
        looks = 0;
        byte[] bytes = Files.readAllBytes(path);
        taken = stamp;
        if (content != null && Arrays.equals(bytes, content)) {
            recovered();
            return Look.SAME;
        }
        RevocationLists lists;
        try {
            lists = RevocationLists.parse(bytes);
        } catch (CRLException malformed) {
            return failed(String.valueOf(malformed.getMessage()));
        }
        int before = into.entries();
        content = bytes;
        complaint = null;
        into.replace(lists);
        LOG.info(
                "CRL file {} is in force: {} lists, {} revoked certificates",
                path,
                lists.size(),
                lists.entries());
        if (lists.entries() == 0 && before > 0) {
            LOG.warn("CRL file {} has lifted all {} revocations", path, before);
        }
        return Look.LOADED;
    }

    private void recovered() {
        if (complaint != null) {
            complaint = null;
            LOG.info("CRL file {} is again as it was", path);
        }
    }

    private Look failed(String why) {
        if (why.equals(complaint)) {
            return Look.SAME;
        }
        complaint = why;
        LOG.warn("CRL file {} is not taken, {} lists stay in force: {}", path, into.lists(), why);
        return Look.FAILED;
    }
}
