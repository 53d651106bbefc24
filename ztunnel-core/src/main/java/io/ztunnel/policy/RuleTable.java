package io.ztunnel.policy;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;

/// Rules by the hash of a value they want to see. Rules of other values with the same hash may be
/// found too: whoever looks has to judge with what is found anyway. No boxing, no allocation.
///
/// A table with open addressing, at most half full; a slot without rules is empty.
final class RuleTable {
    static final RuleTable NONE = new RuleTable(new int[1], new CompiledRule[1][]);

    private final int[] hashes;
    private final CompiledRule[] @Nullable [] rules;

    private RuleTable(int[] hashes, CompiledRule[] @Nullable [] rules) {
        this.hashes = hashes;
        this.rules = rules;
    }

    static RuleTable of(Map<Integer, List<CompiledRule>> byHash) {
        if (byHash.isEmpty()) {
            return NONE;
        }
        int size = Integer.highestOneBit(byHash.size()) << 2;
        RuleTable table = new RuleTable(new int[size], new CompiledRule[size][]);
        byHash.forEach(
                (hash, rules) -> {
                    int at = table.slot(hash);
                    table.hashes[at] = hash;
                    table.rules[at] = rules.toArray(CompiledRule[]::new);
                });
        return table;
    }

    @Nullable CompiledRule find(int hash, ConnectionFacts facts) {
        CompiledRule[] found = rules[slot(hash)];
        return found == null ? null : first(found, facts);
    }

    /// Where a hash is, or the empty slot where it would be.
    private int slot(int hash) {
        int mask = hashes.length - 1;
        int at = ((hash * 0x9e37_79b9) >>> 7) & mask;
        while (rules[at] != null && hashes[at] != hash) {
            at = (at + 1) & mask;
        }
        return at;
    }

    static @Nullable CompiledRule first(CompiledRule[] rules, ConnectionFacts facts) {
        for (CompiledRule rule : rules) {
            if (rule.matches(facts)) {
                return rule;
            }
        }
        return null;
    }
}
