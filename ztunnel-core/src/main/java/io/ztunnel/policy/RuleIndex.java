package io.ztunnel.policy;

import io.ztunnel.mesh.AuthorizationPolicy.ServiceAccount;
import io.ztunnel.mesh.Cidr;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.mesh.persistent.PrefixTrie;
import io.ztunnel.policy.RuleKey.Field;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Finds the rule that matches among very many without trying them all: each is filed under values
/// it cannot do without, the rarest it has. Only rules that name nothing exact (negative lists,
/// prefixes, suffixes) are tried one by one.
///
/// Rules that say the same are filed once, for the first policy that has them.
final class RuleIndex {
    static final RuleIndex NONE = new Builder().build();

    /// Up to here trying all rules is no dearer than looking some up.
    private static final int FEW = 12;

    private final RuleTable principals;
    private final RuleTable accounts;
    private final RuleTable namespaces;
    private final RuleTable ports;
    private final RangeTable sources;
    private final RangeTable destinations;
    private final CompiledRule[] others;

    private RuleIndex(Builder builder) {
        principals = RuleTable.of(builder.tables.getOrDefault(Field.PRINCIPAL, Map.of()));
        accounts = RuleTable.of(builder.tables.getOrDefault(Field.ACCOUNT, Map.of()));
        namespaces = RuleTable.of(builder.tables.getOrDefault(Field.NAMESPACE, Map.of()));
        ports = RuleTable.of(builder.tables.getOrDefault(Field.PORT, Map.of()));
        sources = RangeTable.of(builder.ranges.getOrDefault(Field.SOURCE, Map.of()));
        destinations = RangeTable.of(builder.ranges.getOrDefault(Field.DESTINATION, Map.of()));
        others = builder.others.toArray(CompiledRule[]::new);
    }

    /// @param policies in the order in which they are to be found
    static RuleIndex of(List<CompiledPolicy> policies) {
        Builder builder = new Builder();
        for (CompiledPolicy policy : policies) {
            for (CompiledRule rule : policy.rules()) {
                builder.add(rule);
            }
        }
        return builder.build();
    }

    /// A rule that matches, or null. Which of several is not defined.
    @Nullable CompiledRule find(ConnectionFacts facts) {
        CompiledRule found = RuleTable.first(others, facts);
        if (found == null) {
            found = ports.find(facts.destinationPort(), facts);
        }
        if (found == null) {
            found = namespaces.find(facts.namespace().hashCode(), facts);
        }
        if (found == null && facts.identity() != null) {
            found = byIdentity(facts.identity(), facts);
        }
        if (found == null) {
            found = sources.find(facts.source(), facts);
        }
        return found != null ? found : destinations.find(facts.destination(), facts);
    }

    private @Nullable CompiledRule byIdentity(SpiffeId identity, ConnectionFacts facts) {
        CompiledRule found =
                principals == RuleTable.NONE
                        ? null
                        : principals.find(PrincipalText.hash(identity), facts);
        return found != null || accounts == RuleTable.NONE
                ? found
                : accounts.find(
                        new ServiceAccount(identity.namespace(), identity.serviceAccount())
                                .hashCode(),
                        facts);
    }

    /// Ranges of one field by prefix; the rules of all ranges that cover an address are tried.
    private record RangeTable(PrefixTrie<CompiledRule[]> v4, PrefixTrie<CompiledRule[]> v6) {
        private static final RangeTable NONE =
                new RangeTable(PrefixTrie.empty(), PrefixTrie.empty());

        static RangeTable of(Map<Cidr, List<CompiledRule>> byRange) {
            RangeTable table = NONE;
            for (Map.Entry<Cidr, List<CompiledRule>> entry : byRange.entrySet()) {
                Cidr range = entry.getKey();
                PrefixTrie<CompiledRule[]> trie = range.base().isV6() ? table.v6 : table.v4;
                CompiledRule[] rules = entry.getValue().toArray(CompiledRule[]::new);
                trie =
                        trie.with(
                                high(range.base()), low(range.base()), range.prefixLength(), rules);
                table =
                        range.base().isV6()
                                ? new RangeTable(table.v4, trie)
                                : new RangeTable(trie, table.v6);
            }
            return table;
        }

        @Nullable CompiledRule find(IpAddress ip, ConnectionFacts facts) {
            long high = high(ip);
            long low = low(ip);
            for (PrefixTrie.Node<CompiledRule[]> node = (ip.isV6() ? v6 : v4).first(high, low);
                    node != null;
                    node = node.next(high, low)) {
                CompiledRule[] rules = node.value();
                CompiledRule found = rules == null ? null : RuleTable.first(rules, facts);
                if (found != null) {
                    return found;
                }
            }
            return null;
        }

        private static long high(IpAddress ip) {
            return ip.isV6() ? ip.high() : ip.low() << 32;
        }

        private static long low(IpAddress ip) {
            return ip.isV6() ? ip.low() : 0;
        }
    }

    /// Counts all keys first, so that each rule can be filed under its rarest ones.
    private static final class Builder {
        private final Set<Object> seen = new HashSet<>();
        private final List<CompiledRule> rules = new ArrayList<>();
        private final Map<RuleKey, Integer> counts = new HashMap<>();
        private final Map<Field, Map<Integer, List<CompiledRule>>> tables =
                new EnumMap<>(Field.class);
        private final Map<Field, Map<Cidr, List<CompiledRule>>> ranges = new EnumMap<>(Field.class);
        private final List<CompiledRule> others = new ArrayList<>();

        void add(CompiledRule rule) {
            if (seen.add(rule.source())) {
                rules.add(rule);
            }
        }

        RuleIndex build() {
            if (rules.size() <= FEW) {
                others.addAll(rules);
                return new RuleIndex(this);
            }
            List<List<Set<RuleKey>>> choices = new ArrayList<>(rules.size());
            for (CompiledRule rule : rules) {
                List<Set<RuleKey>> ofRule = RuleKey.choices(rule.source());
                choices.add(ofRule);
                for (Set<RuleKey> keys : ofRule) {
                    keys.forEach(key -> counts.merge(key, 1, Integer::sum));
                }
            }
            for (int i = 0; i < rules.size(); i++) {
                Set<RuleKey> best = null;
                long least = Long.MAX_VALUE;
                for (Set<RuleKey> keys : choices.get(i)) {
                    long cost = 0;
                    for (RuleKey key : keys) {
                        // A wide range is met by nearly every connection.
                        boolean wide =
                                key.value() instanceof Cidr range && range.prefixLength() < 8;
                        cost += wide ? rules.size() : counts.getOrDefault(key, 0);
                    }
                    if (cost < least) {
                        least = cost;
                        best = keys;
                    }
                }
                file(rules.get(i), best);
            }
            return new RuleIndex(this);
        }

        private void file(CompiledRule rule, @Nullable Set<RuleKey> keys) {
            if (keys == null) {
                others.add(rule);
                return;
            }
            for (RuleKey key : keys) {
                List<CompiledRule> filed =
                        switch (key.value()) {
                            case Cidr range ->
                                    ranges.computeIfAbsent(key.field(), _ -> new HashMap<>())
                                            .computeIfAbsent(
                                                    range.masked(), _ -> new ArrayList<>());
                            case Integer hash ->
                                    tables.computeIfAbsent(key.field(), _ -> new HashMap<>())
                                            .computeIfAbsent(hash, _ -> new ArrayList<>());
                            default -> throw new IllegalStateException("no such key: " + key);
                        };
                if (filed.isEmpty() || filed.getLast() != rule) {
                    filed.add(rule);
                }
            }
        }
    }
}
