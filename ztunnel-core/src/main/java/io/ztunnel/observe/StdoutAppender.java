package io.ztunnel.observe;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.core.UnsynchronizedAppenderBase;

import org.slf4j.event.KeyValuePair;

import java.util.Locale;

/// Formats what the program says of itself. Rare next to access lines, so each event has a buffer
/// of its own and no thread shares one.
///
/// A throwable becomes the field `error`: its message and those of its causes on the same line.
/// Stack traces appear only at DEBUG and below, where somebody reads code beside the log.
final class StdoutAppender extends UnsynchronizedAppenderBase<ILoggingEvent> {
    private final LogWriter writer;
    private final LogFormat format;

    StdoutAppender(LogWriter writer, LogFormat format) {
        this.writer = writer;
        this.format = format;
    }

    @Override
    protected void append(ILoggingEvent event) {
        LineBuffer buffer = new LineBuffer(256);
        EventLine line = new EventLine(format, buffer);
        String message = event.getFormattedMessage();
        line.begin(
                event.getInstant(),
                event.getLevel().toString().toLowerCase(Locale.ROOT),
                Scope.of(event.getLoggerName()),
                message == null || message.isEmpty() ? null : message);
        if (event.getKeyValuePairs() != null) {
            for (KeyValuePair pair : event.getKeyValuePairs()) {
                field(line, pair);
            }
        }
        IThrowableProxy thrown = event.getThrowableProxy();
        if (thrown != null) {
            line.text("error", chain(thrown));
            if (event.getLevel().toInt() <= ch.qos.logback.classic.Level.DEBUG_INT) {
                line.text("stack", ch.qos.logback.classic.spi.ThrowableProxyUtil.asString(thrown));
            }
        }
        line.end();
        writer.offer(buffer.copy(), 1, false);
    }

    private static void field(EventLine line, KeyValuePair pair) {
        switch (pair.value) {
            case null -> {}
            case Long number -> line.number(pair.key, number);
            case Integer number -> line.number(pair.key, number);
            case CharSequence text -> line.text(pair.key, text.toString());
            default -> line.bare(pair.key, pair.value.toString());
        }
    }

    private static String chain(IThrowableProxy thrown) {
        StringBuilder text = new StringBuilder();
        for (IThrowableProxy at = thrown; at != null; at = at.getCause()) {
            String name = at.getClassName();
            String sentence =
                    at.getMessage() == null
                            ? name.substring(name.lastIndexOf('.') + 1)
                            : at.getMessage();
            // Whoever wraps often repeats the sentence.
            if (text.indexOf(sentence) < 0) {
                text.append(text.isEmpty() ? "" : ": ").append(sentence);
            }
        }
        return text.toString();
    }
}
