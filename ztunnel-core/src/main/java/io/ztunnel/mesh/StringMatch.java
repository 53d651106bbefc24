package io.ztunnel.mesh;

/// How a policy compares a text; case sensitive, no wildcards beyond these four.
public sealed interface StringMatch {

    boolean matches(String text);

    record Exact(String text) implements StringMatch {
        @Override
        public boolean matches(String candidate) {
            return candidate.equals(text);
        }
    }

    record Prefix(String text) implements StringMatch {
        @Override
        public boolean matches(String candidate) {
            return candidate.startsWith(text);
        }
    }

    record Suffix(String text) implements StringMatch {
        @Override
        public boolean matches(String candidate) {
            return candidate.endsWith(text);
        }
    }

    /// Any text but the empty one.
    record Presence() implements StringMatch {
        @Override
        public boolean matches(String candidate) {
            return !candidate.isEmpty();
        }
    }
}
