package io.ztunnel.xds;

import org.jspecify.annotations.Nullable;

import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.InflaterInputStream;

/// What changed since the last write of a [SnapshotFile], on its way there.
///
/// Resources of a mesh repeat each other, so their bytes wait compressed: a first snapshot of tens
/// of megabytes is held in a few. Filled by the client's thread; once [#close] was called nothing
/// changes any more and the writer may read it.
final class KeptChanges {
    /// The place of a resource that is gone.
    private static final int GONE = -1;

    private final Map<String, Map<String, Integer>> places = new HashMap<>();
    private @Nullable Deflater deflater;
    private @Nullable ByteArrayOutputStream packed;
    private @Nullable DataOutputStream out;
    private int count;

    /// Takes the bytes of a resource of which it is not known yet whether they come into force.
    ///
    /// @return the place to be given to [#put] once it does
    int offer(byte[] encoded) {
        try {
            if (out == null) {
                deflater = new Deflater(Deflater.BEST_SPEED);
                packed = new ByteArrayOutputStream();
                out = new DataOutputStream(new DeflaterOutputStream(packed, deflater, 32 << 10));
            }
            out.writeInt(encoded.length);
            out.write(encoded);
            return count++;
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
    }

    void put(String typeUrl, String name, int place) {
        places.computeIfAbsent(typeUrl, _ -> new HashMap<>()).put(name, place);
    }

    void remove(String typeUrl, String name) {
        put(typeUrl, name, GONE);
    }

    /// Whether it says anything of this resource, so that an older content of it is void.
    boolean mentions(String typeUrl, String name) {
        Map<String, Integer> ofType = places.get(typeUrl);
        return ofType != null && ofType.containsKey(name);
    }

    boolean isEmpty() {
        return places.isEmpty();
    }

    /// Nothing more comes.
    void close() {
        try {
            if (out != null) {
                out.close();
                out = null;
            }
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        } finally {
            if (deflater != null) {
                deflater.end();
            }
        }
    }

    /// The resources in force, in the order they came.
    ///
    /// @param newer changes on top of these, which void what they mention
    void forEach(List<KeptChanges> newer, SnapshotFile.Visitor action) throws IOException {
        if (packed == null) {
            return;
        }
        Map<Integer, String> typeOfPlace = new HashMap<>();
        places.forEach(
                (typeUrl, names) ->
                        names.forEach(
                                (name, place) -> {
                                    if (newer.stream().noneMatch(n -> n.mentions(typeUrl, name))) {
                                        typeOfPlace.put(place, typeUrl);
                                    }
                                }));
        try (DataInputStream in =
                new DataInputStream(
                        new BufferedInputStream(
                                new InflaterInputStream(
                                        new ByteArrayInputStream(packed.toByteArray())),
                                32 << 10))) {
            for (int place = 0; place < count; place++) {
                byte[] encoded = in.readNBytes(in.readInt());
                String typeUrl = typeOfPlace.get(place);
                if (typeUrl != null) {
                    action.resource(typeUrl, encoded);
                }
            }
        }
    }
}
