package io.ztunnel.observe;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;

import org.slf4j.LoggerFactory;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.List;

/// An observer whose lines and counters a test reads.
public final class ObserverKit {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final LogWriter writer = new LogWriter(out, LogFormat.PLAIN);
    private final Metrics metrics = new Metrics("", null);
    private final Observer observer =
            new Observer(
                    metrics.newShard(),
                    new AccessLog(
                            writer,
                            LogFormat.PLAIN,
                            telling(),
                            InstantSource.system(),
                            Runnable::run),
                    System::nanoTime);

    private static Logger telling() {
        Logger logger = (Logger) LoggerFactory.getLogger(ObserverKit.class);
        logger.setLevel(Level.INFO);
        return logger;
    }

    public Observer observer() {
        return observer;
    }

    /// The access lines so far that contain a text.
    public List<String> lines(String part) {
        writer.flush(5_000);
        synchronized (out) {
            return out.toString(StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> line.contains(part))
                    .toList();
        }
    }

    /// The samples of a family.
    public List<String> samples(String sample) {
        return new String(metrics.expose(), StandardCharsets.UTF_8)
                .lines()
                .filter(line -> line.startsWith(sample + "{") || line.startsWith(sample + " "))
                .toList();
    }

    /// The samples of a family, summed.
    public long metric(String sample) {
        return samples(sample).stream()
                .mapToLong(line -> Long.parseLong(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }
}
