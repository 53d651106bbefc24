package io.ztunnel.observe;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;

import org.slf4j.LoggerFactory;

import java.time.InstantSource;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;

/// The process's logging: logback underneath, configured here and by no file, one appender that
/// formats lines and hands them to the [LogWriter].
///
/// Libraries other than ours are held at `info` by the default level and speak in more detail only
/// where a clause names them: `debug` is for what this proxy does, not for how its libraries start.
/// Any thread.
public final class Logging {
    private final LoggerContext context;
    private final LogWriter writer;
    private final LogFormat format;
    private final LogFilter startup;
    private final Set<String> named = new HashSet<>();
    private LogFilter current;

    private Logging(LoggerContext context, LogWriter writer, LogFormat format, LogFilter startup) {
        this.context = context;
        this.writer = writer;
        this.format = format;
        this.startup = startup;
        current = startup;
    }

    /// Takes over logback's context. Call once, before anything logs.
    public static Logging start(LogWriter writer, LogFormat format, LogFilter filter) {
        return start((LoggerContext) LoggerFactory.getILoggerFactory(), writer, format, filter);
    }

    static Logging start(
            LoggerContext context, LogWriter writer, LogFormat format, LogFilter filter) {
        context.stop();
        context.reset();
        StdoutAppender appender = new StdoutAppender(writer, format);
        appender.setContext(context);
        appender.start();
        context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME).addAppender(appender);
        Logging logging = new Logging(context, writer, format, filter);
        logging.set(filter);
        context.start();
        return logging;
    }

    public synchronized LogFilter filter() {
        return current;
    }

    /// The filter of the environment, to which `reset` returns.
    public LogFilter startupFilter() {
        return startup;
    }

    public LogWriter writer() {
        return writer;
    }

    /// Changes levels from now on.
    public synchronized void set(LogFilter filter) {
        named.forEach(name -> context.getLogger(name).setLevel(null));
        named.clear();
        LogFilter.Level root = filter.defaultLevel();
        boolean capped = root.compareTo(LogFilter.Level.INFO) > 0;
        context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME)
                .setLevel(capped ? Level.INFO : levelOf(root));
        for (Map.Entry<String, LogFilter.Level> each : filter.levels().entrySet()) {
            if (!each.getKey().isEmpty() && !each.getKey().startsWith("ztunnel")) {
                level(each.getKey(), each.getValue());
            }
        }
        Scope.OF_PACKAGE.forEach((name, scope) -> level(name, filter.levelOf(scope)));
        level(Scope.ACCESS, filter.levelOf(Scope.ACCESS));
        level(Scope.DNS, filter.levelOf(Scope.DNS));
        level(Scope.STATE, filter.levelOf(Scope.STATE));
        current = filter;
    }

    /// The access lines of one worker.
    ///
    /// @param loop the worker's own
    public AccessLog accessLog(Executor loop) {
        return new AccessLog(
                writer,
                format,
                LoggerFactory.getLogger(Scope.ACCESS),
                InstantSource.system(),
                loop);
    }

    private void level(String name, LogFilter.Level level) {
        Logger logger = context.getLogger(name);
        logger.setLevel(levelOf(level));
        named.add(name);
    }

    private static Level levelOf(LogFilter.Level level) {
        return switch (level) {
            case OFF -> Level.OFF;
            case ERROR -> Level.ERROR;
            case WARN -> Level.WARN;
            case INFO -> Level.INFO;
            case DEBUG -> Level.DEBUG;
            case TRACE -> Level.TRACE;
        };
    }
}
