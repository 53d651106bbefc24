package io.ztunnel.demo;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A line of the access log taken apart (docs/spec/config-observability-dns.md 5.5).
record AccessLine(Map<String, String> fields) {
    // key=value, the value bare or in quotes with \" inside.
    private static final Pattern FIELD =
            Pattern.compile("([a-z_.]+)=(?:\"((?:[^\"\\\\]|\\\\.)*)\"|(\\S*))");

    static boolean isOne(String line) {
        return line.contains("connection complete") || line.contains("connection failed");
    }

    static AccessLine parse(String line) {
        Map<String, String> fields = new LinkedHashMap<>();
        Matcher matcher = FIELD.matcher(line);
        while (matcher.find()) {
            String quoted = matcher.group(2);
            fields.put(matcher.group(1), quoted != null ? quoted : matcher.group(3));
        }
        return new AccessLine(fields);
    }

    /// The field's value, empty when it is not there.
    String get(String field) {
        return fields.getOrDefault(field, "");
    }

    boolean hasIdentities(Role source, Role destination) {
        return get("src.identity").equals(source.spiffe())
                && get("dst.identity").equals(destination.spiffe());
    }

    /// The few fields of the story, in lines that fit a terminal.
    String summary() {
        return """
        %s  %s → %s  sent %s, received %s bytes
          from %s
          to   %s\
        """
                .formatted(
                        get("direction"),
                        get("src.addr"),
                        get("dst.addr"),
                        get("bytes_sent"),
                        get("bytes_recv"),
                        get("src.identity"),
                        get("dst.identity"));
    }
}
