package io.ztunnel.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ztunnel.relay.Relay;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/// docs/spec/dataplane.md 13.8, rows 125 to 127 and 130. The reference counts the holders of one
/// entry; here every stream and socket is an entry of its own, so nothing has to be counted.
class ConnectionTableTest {
    private final ConnectionTable table = new ConnectionTable();

    private static final class Entry extends LiveConnection {
        private final List<Cut> cuts = new ArrayList<>();

        @Override
        public void cut(Cut reason) {
            cuts.add(reason);
        }

        @Override
        public Port port() {
            return Port.OUTBOUND;
        }

        @Override
        public @Nullable Relay relay() {
            return null;
        }

        @Override
        public long moved() {
            return 0;
        }

        @Override
        public Row row() {
            return new Row("a", null, "b", "TCP");
        }
    }

    @Test
    void row125_aConnectionIsEnteredOnce() {
        Entry entry = new Entry();
        table.add(entry);

        assertThatThrownBy(() -> table.add(entry)).isInstanceOf(IllegalStateException.class);
        assertThat(table.size()).isEqualTo(1);
    }

    @Test
    void row126_allThatAreVisitedHearOfTheCutAndMayLeaveMeanwhile() {
        List<Entry> entries = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            Entry entry = new Entry();
            entries.add(entry);
            table.add(entry);
        }

        table.forEach(
                connection -> {
                    if (connection != entries.get(2)) {
                        connection.cut(LiveConnection.Cut.POLICY_CHANGE);
                        table.remove(connection);
                    }
                });

        assertThat(table.size()).isEqualTo(1);
        assertThat(entries.get(2).cuts).isEmpty();
        assertThat(entries.get(0).cuts).containsExactly(LiveConnection.Cut.POLICY_CHANGE);
    }

    @Test
    void row127_whoLeavesTakesNobodyAlong() {
        Entry one = new Entry();
        Entry other = new Entry();
        table.add(one);
        table.add(other);

        table.remove(one);
        assertThat(visited()).containsExactly(other);
        table.remove(other);
        assertThat(visited()).isEmpty();
        assertThat(table.size()).isZero();
        table.add(one);
        assertThat(visited()).containsExactly(one);
    }

    @Test
    void row130_whoIsNotThereIsRemovedInVain() {
        Entry stranger = new Entry();
        table.add(new Entry());

        table.remove(stranger);
        table.remove(stranger);

        assertThat(table.size()).isEqualTo(1);
    }

    @Test
    void anyOrderOfComingAndGoingLeavesWhoIsLeft() {
        Random random = new Random(4);
        List<LiveConnection> expected = new ArrayList<>();
        for (int i = 0; i < 5_000; i++) {
            if (expected.isEmpty() || random.nextBoolean()) {
                Entry entry = new Entry();
                table.add(entry);
                expected.add(entry);
            } else {
                table.remove(expected.remove(random.nextInt(expected.size())));
            }
            assertThat(table.size()).isEqualTo(expected.size());
        }
        assertThat(visited()).containsExactlyInAnyOrderElementsOf(expected);
    }

    private List<LiveConnection> visited() {
        List<LiveConnection> all = new ArrayList<>();
        table.forEach(all::add);
        return all;
    }
}
