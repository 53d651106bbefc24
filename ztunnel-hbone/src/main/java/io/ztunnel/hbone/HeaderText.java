package io.ztunnel.hbone;

import io.netty.handler.codec.http2.Http2Headers;

import org.jspecify.annotations.Nullable;

import java.util.Iterator;

/// Header fields as text.
final class HeaderText {

    private HeaderText() {}

    /// All instances of a field joined by commas; null when there is none.
    static @Nullable String joined(Http2Headers headers, String name) {
        Iterator<CharSequence> values = headers.valueIterator(name);
        if (!values.hasNext()) {
            return null;
        }
        CharSequence first = values.next();
        if (!values.hasNext()) {
            return first.toString();
        }
        StringBuilder all = new StringBuilder(first);
        while (values.hasNext()) {
            all.append(',').append(values.next());
        }
        return all.toString();
    }
}
