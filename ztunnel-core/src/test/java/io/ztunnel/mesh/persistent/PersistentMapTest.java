package io.ztunnel.mesh.persistent;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;

class PersistentMapTest {
    /// Keys of which many share a hash.
    private record Key(int id, int hash) {
        @Override
        public int hashCode() {
            return hash;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Key key && key.id == id;
        }
    }

    @Test
    void behavesLikeAHashMapWithManyVersions() {
        for (int spread : new int[] {1, 3, 40, 100_000}) {
            Random random = new Random(spread);
            PersistentMap<Key, Integer> map = PersistentMap.empty();
            Map<Key, Integer> model = new HashMap<>();
            PersistentMap<Key, Integer> kept = map;
            Map<Key, Integer> keptModel = Map.of();
            for (int step = 0; step < 4_000; step++) {
                int id = random.nextInt(300);
                Key key = new Key(id, id % spread);
                if (random.nextInt(5) < 2) {
                    map = map.without(key);
                    model.remove(key);
                } else {
                    map = map.with(key, step);
                    model.put(key, step);
                }
                assertThat(map.size()).isEqualTo(model.size());
                assertThat(map.get(key)).isEqualTo(model.get(key));
                if (step % 500 == 0) {
                    assertThat(contents(kept)).isEqualTo(keptModel);
                    kept = map;
                    keptModel = Map.copyOf(model);
                }
            }
            assertThat(contents(map)).isEqualTo(model);
            for (Key key : Map.copyOf(model).keySet()) {
                map = map.without(key);
            }
            assertThat(map.isEmpty()).isTrue();
        }
    }

    @Test
    void anUnknownKeyLeavesTheSameMap() {
        PersistentMap<String, String> map = PersistentMap.<String, String>empty().with("a", "b");

        assertThat(map.without("x")).isSameAs(map);
        assertThat(map.get("x")).isNull();
        assertThat(map.with("a", "c").get("a")).isEqualTo("c");
        assertThat(map.get("a")).isEqualTo("b");
    }

    private static Map<Key, Integer> contents(PersistentMap<Key, Integer> map) {
        Map<Key, Integer> contents = new HashMap<>();
        map.forEach((key, value) -> assertThat(contents.put(key, value)).isNull());
        return contents;
    }
}
