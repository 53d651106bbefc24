package io.ztunnel.admin;

import java.util.List;
import java.util.Map;

/// One request, as far as our answers depend on it.
///
/// @param path decoded, without the query
/// @param query every parameter with its values, empty ones included
/// @param accept all `Accept` headers
record Request(String method, String path, Map<String, List<String>> query, List<String> accept) {

    boolean is(String wanted) {
        return method.equals(wanted);
    }

    boolean has(String parameter) {
        return query.containsKey(parameter);
    }

    /// The last value of a parameter, empty where it is absent.
    String parameter(String name) {
        List<String> values = query.getOrDefault(name, List.of());
        return values.isEmpty() ? "" : values.getLast();
    }
}
