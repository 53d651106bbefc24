package io.ztunnel.dns;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/// What servers answered one pod lately, for as long as they said it holds. Bounded by bytes; who
/// was asked for longest ago goes first. Not shared among pods: a server may tell them different
/// things. Confined to the worker's loop.
final class AnswerCache {
    /// About a hundred names; a pod has this on each worker.
    static final int MOST_BYTES = 32 << 10;

    /// A larger answer would push out too many others.
    private static final int LARGEST = 4 << 10;

    /// What an entry takes beside its message and its key.
    private static final int OVERHEAD = 400;

    /// What is known of each record in a message.
    private static final int OF_A_RECORD = 40;

    private static final long LONGEST_SECONDS = 86_400;
    private static final long SECOND = 1_000_000_000;

    private final Map<Key, Entry> entries = new LinkedHashMap<>(8, 0.75f, true);
    private int bytes;

    /// Questions that differ in what is said about signatures have different answers.
    private record Key(ByteBuffer question, boolean dnssecOk, boolean checkingDisabled) {
        static Key of(Query query) {
            Query.Edns edns = query.edns();
            return new Key(
                    ByteBuffer.wrap(query.canonicalQuestion()),
                    edns != null && edns.dnssecOk(),
                    query.header().has(Header.CHECKING_DISABLED));
        }
    }

    private record Entry(UpstreamAnswer answer, long since, long until) {}

    /// @param age seconds since the answer came
    record Remembered(UpstreamAnswer answer, int age) {}

    @Nullable Remembered find(Query query, long now) {
        if (entries.isEmpty()) {
            return null;
        }
        Key key = Key.of(query);
        Entry entry = entries.get(key);
        if (entry == null) {
            return null;
        }
        if (now - entry.until() >= 0) {
            remove(key, entry);
            return null;
        }
        return new Remembered(entry.answer(), (int) ((now - entry.since()) / SECOND));
    }

    void keep(Query query, UpstreamAnswer answer, long now) {
        long seconds = Math.min(LONGEST_SECONDS, answer.secondsToLive());
        if (seconds == 0 || answer.message().length > LARGEST) {
            return;
        }
        Key key = Key.of(query);
        Entry before = entries.get(key);
        if (before != null) {
            remove(key, before);
        }
        Entry entry = new Entry(answer, now, now + seconds * SECOND);
        entries.put(key, entry);
        bytes += size(key, entry);
        Iterator<Map.Entry<Key, Entry>> oldest = entries.entrySet().iterator();
        while (bytes > MOST_BYTES) {
            Map.Entry<Key, Entry> each = oldest.next();
            bytes -= size(each.getKey(), each.getValue());
            oldest.remove();
        }
    }

    int bytes() {
        return bytes;
    }

    private void remove(Key key, Entry entry) {
        entries.remove(key);
        bytes -= size(key, entry);
    }

    private static int size(Key key, Entry entry) {
        UpstreamAnswer answer = entry.answer();
        int records = answer.answers().size() + answer.additionals().size();
        return OVERHEAD
                + OF_A_RECORD * records
                + key.question().capacity()
                + answer.message().length;
    }
}
