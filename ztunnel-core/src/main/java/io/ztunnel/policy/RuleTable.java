package io.ztunnel.policy;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Rules by the hash of a value they want to see. Rules of other values with the same hash may be
/// found too: whoever looks has to judge with what is found anyway. No boxing, no allocation.
final class RuleTable {
    static final RuleTable NONE = new RuleTable(new int[0], new CompiledRule[0][]);

    private final int[] hashes;
    private final CompiledRule[][] rules;

    private RuleTable(int[] hashes, CompiledRule[][] rules) {
        this.hashes = hashes;
        this.rules = rules;
    }

    static RuleTable of(Map<Integer, List<CompiledRule>> byHash) {
        if (byHash.isEmpty()) {
            return NONE;
        }
        int[] hashes = new int[byHash.size()];
        CompiledRule[][] rules = new CompiledRule[byHash.size()][];
        int at = 0;
        for (Map.Entry<Integer, List<CompiledRule>> entry : new TreeMap<>(byHash).entrySet()) {
            hashes[at] = entry.getKey();
            rules[at++] = entry.getValue().toArray(CompiledRule[]::new);
        }
        return new RuleTable(hashes, rules);
    }

    @Nullable CompiledRule find(int hash, ConnectionFacts facts) {
        if (hashes.length == 0) {
            return null;
        }
        int at = Arrays.binarySearch(hashes, hash);
        return at < 0 ? null : first(rules[at], facts);
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
