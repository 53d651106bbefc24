package io.ztunnel.observe;

import org.jspecify.annotations.Nullable;

import java.net.InetSocketAddress;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;

/// Writes one event after the other into a buffer, in the plain or the JSON format. Which fields
/// there are is the caller's matter; this class knows how each kind of value looks.
///
/// Not safe for two threads; each producer has its own.
final class EventLine {
    private final LogFormat format;
    private final LineBuffer out;
    private final LineBuffer second = new LineBuffer(32);
    private long formattedSecond = Long.MIN_VALUE;
    private boolean first;

    EventLine(LogFormat format, LineBuffer out) {
        this.format = format;
        this.out = out;
    }

    /// @param scope with its `ztunnel::`, which the plain format leaves out
    /// @param message null for an event that has only fields
    void begin(Instant time, String level, String scope, @Nullable String message) {
        if (format == LogFormat.JSON) {
            out.text("{\"level\":\"").text(level).text("\",\"time\":\"");
            time(time);
            out.text("\",\"scope\":").json(scope);
            if (message != null) {
                out.text(",\"message\":").json(message);
            }
            return;
        }
        time(time);
        out.put('\t').text(level).put('\t').text(Scope.shown(scope)).put('\t');
        if (message != null) {
            singleLine(message);
            out.put('\t');
        }
        first = true;
    }

    /// A text; left out where null.
    void text(String name, @Nullable String value) {
        if (value == null) {
            return;
        }
        name(name);
        if (format == LogFormat.JSON) {
            out.json(value);
        } else {
            out.quoted(value);
        }
    }

    /// A text that is left out where empty.
    void known(String name, String value) {
        if (!value.isEmpty()) {
            text(name, value);
        }
    }

    /// A text that stands without quotes in the plain format: addresses, for example.
    void bare(String name, @Nullable String value) {
        if (value == null) {
            return;
        }
        name(name);
        if (format == LogFormat.JSON) {
            out.json(value);
        } else {
            singleLine(value);
        }
    }

    void address(String name, InetSocketAddress value) {
        name(name);
        if (format == LogFormat.JSON) {
            out.put('"').address(value).put('"');
        } else {
            out.address(value);
        }
    }

    void number(String name, long value) {
        name(name);
        out.number(value);
    }

    /// Whole milliseconds with their unit, a string in both formats.
    void milliseconds(String name, long value) {
        name(name);
        out.put('"').number(value).text("ms\"");
    }

    void end() {
        if (format == LogFormat.JSON) {
            out.put('}');
        }
        out.put('\n');
    }

    LineBuffer buffer() {
        return out;
    }

    private void name(String name) {
        if (format == LogFormat.JSON) {
            out.put(',').json(name).put(':');
        } else {
            if (!first) {
                out.put(' ');
            }
            first = false;
            out.text(name).put('=');
        }
    }

    /// UTC, RFC 3339 with six fractional digits. The part down to the second is kept, because lines
    /// come in bursts.
    private void time(Instant time) {
        if (time.getEpochSecond() != formattedSecond) {
            formattedSecond = time.getEpochSecond();
            LocalDateTime at = LocalDateTime.ofEpochSecond(formattedSecond, 0, ZoneOffset.UTC);
            second.clear();
            second.padded(at.getYear(), 4).put('-').padded(at.getMonthValue(), 2).put('-');
            second.padded(at.getDayOfMonth(), 2).put('T').padded(at.getHour(), 2).put(':');
            second.padded(at.getMinute(), 2).put(':').padded(at.getSecond(), 2).put('.');
        }
        out.bytes(second.array(), 0, second.length()).padded(time.getNano() / 1000, 6).put('Z');
    }

    /// A message cannot forge a second line or a field separator.
    private void singleLine(String text) {
        if (text.indexOf('\n') < 0 && text.indexOf('\r') < 0 && text.indexOf('\t') < 0) {
            out.text(text);
        } else {
            out.text(text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t"));
        }
    }
}
