package io.ztunnel.feed;

import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/// A place in a local file: a YAML node that knows the file and the path of keys to it, so that
/// every complaint can name them.
final class LocalFileNode {
    /// Reads one value; the complaint names the node it was given.
    interface Reader<T> {
        T read(LocalFileNode node) throws LocalFileProblem;
    }

    private final String file;
    private final String path;
    private final Node node;

    LocalFileNode(String file, String path, Node node) {
        this.file = file;
        this.path = path;
        this.node = node;
    }

    LocalFileProblem problem(String what) {
        int line = node.getStartMark().map(mark -> mark.getLine() + 1).orElse(1);
        return new LocalFileProblem(file, line, path, what);
    }

    boolean isNull() {
        return node instanceof ScalarNode scalar && scalar.getTag().equals(Tag.NULL);
    }

    boolean isScalar() {
        return node instanceof ScalarNode && !isNull();
    }

    /// The local tag without its exclamation mark, empty where there is none.
    String tag() {
        String tag = node.getTag().getValue();
        return tag.startsWith("!") ? tag.substring(1) : "";
    }

    String text() throws LocalFileProblem {
        if (node instanceof ScalarNode scalar && !isNull()) {
            return scalar.getValue();
        }
        throw problem("expected a text");
    }

    boolean truth() throws LocalFileProblem {
        String text = text();
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw problem("expected true or false, not " + text);
        };
    }

    long number(long least, long most) throws LocalFileProblem {
        String text = text();
        try {
            long number = Long.parseLong(text);
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException notOne) {
            throw problem("expected a number, not " + text);
        }
        throw problem(text + " is not within " + least + " and " + most);
    }

    int port() throws LocalFileProblem {
        return (int) number(0, 0xffff);
    }

    <E extends Enum<E>> E oneOf(Map<String, E> names) throws LocalFileProblem {
        E value = names.get(text());
        if (value == null) {
            throw problem("expected one of " + String.join(", ", new TreeSet<>(names.keySet())));
        }
        return value;
    }

    /// A value whose reader complains with an [IllegalArgumentException].
    <T> T parsed(Function<String, T> parser) throws LocalFileProblem {
        String text = text();
        try {
            return parser.apply(text);
        } catch (IllegalArgumentException malformed) {
            throw problem(String.valueOf(malformed.getMessage()));
        }
    }

    <T> List<T> list(Reader<T> reader) throws LocalFileProblem {
        if (!(node instanceof SequenceNode sequence)) {
            throw problem("expected a list");
        }
        List<T> list = new ArrayList<>();
        for (Node item : sequence.getValue()) {
            list.add(reader.read(new LocalFileNode(file, path + "[" + list.size() + "]", item)));
        }
        return list;
    }

    /// The entries in the order of the file.
    Map<String, LocalFileNode> entries() throws LocalFileProblem {
        if (!(node instanceof MappingNode mapping)) {
            throw problem("expected a map");
        }
        Map<String, LocalFileNode> entries = new LinkedHashMap<>();
        for (NodeTuple tuple : mapping.getValue()) {
            String key = new LocalFileNode(file, path, tuple.getKeyNode()).text();
            String inner = path.isEmpty() ? key : path + "." + key;
            if (entries.containsKey(key)) {
                throw new LocalFileNode(file, inner, tuple.getKeyNode()).problem("key given twice");
            }
            entries.put(key, new LocalFileNode(file, inner, tuple.getValueNode()));
        }
        return entries;
    }

    Fields fields() throws LocalFileProblem {
        return new Fields(this, entries());
    }

    /// The keys of one map, each to be read once; [#end] refuses those that nobody read.
    static final class Fields {
        private final LocalFileNode owner;
        private final Map<String, LocalFileNode> entries;
        private final Set<String> read = new HashSet<>();

        private Fields(LocalFileNode owner, Map<String, LocalFileNode> entries) {
            this.owner = owner;
            this.entries = entries;
        }

        /// The value of a key; null where it is left out or null.
        @Nullable LocalFileNode optional(String key) {
            read.add(key);
            LocalFileNode value = entries.get(key);
            return value == null || value.isNull() ? null : value;
        }

        LocalFileNode required(String key) throws LocalFileProblem {
            LocalFileNode value = optional(key);
            if (value == null) {
                throw owner.problem("missing key " + key);
            }
            return value;
        }

        String text(String key) throws LocalFileProblem {
            LocalFileNode value = optional(key);
            return value == null ? "" : value.text();
        }

        boolean truth(String key) throws LocalFileProblem {
            LocalFileNode value = optional(key);
            return value != null && value.truth();
        }

        <T> List<T> list(String key, Reader<T> reader) throws LocalFileProblem {
            LocalFileNode value = optional(key);
            return value == null ? List.of() : value.list(reader);
        }

        <T> @Nullable T orNull(String key, Reader<T> reader) throws LocalFileProblem {
            LocalFileNode value = optional(key);
            return value == null ? null : reader.read(value);
        }

        <E extends Enum<E>> E oneOf(String key, Map<String, E> names, E otherwise)
                throws LocalFileProblem {
            LocalFileNode value = optional(key);
            return value == null ? otherwise : value.oneOf(names);
        }

        void end() throws LocalFileProblem {
            for (Map.Entry<String, LocalFileNode> entry : entries.entrySet()) {
                if (!read.contains(entry.getKey())) {
                    throw entry.getValue().problem("unknown key");
                }
            }
        }
    }
}
