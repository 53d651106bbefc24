package io.ztunnel.observe;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.OutputStream;

/// Who speaks from which level on (docs/spec/config-observability-dns.md 5.4).
class LoggingTest {
    private final LoggerContext context = new LoggerContext();

    private Logging start(String filter) {
        LogWriter writer = new LogWriter(OutputStream.nullOutputStream(), LogFormat.PLAIN);
        writer.close();
        return Logging.start(context, writer, LogFormat.PLAIN, LogFilter.parse(filter));
    }

    private String levelOf(String logger) {
        Logger found = context.getLogger(logger);
        return found.getEffectiveLevel().toString();
    }

    /// The scope that verdicts are told in is a logger by itself, beneath no package.
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    info                        | INFO
                    debug                       | DEBUG
                    trace                       | TRACE
                    warn                        | WARN
                    off                         | OFF
                    info,ztunnel::state=debug   | DEBUG
                    info,ztunnel=debug          | DEBUG
                    debug,ztunnel::state=warn   | WARN
                    debug,ztunnel::state=off    | OFF
                    info,ztunnel::state         | TRACE
                    info,ztunnel::state::policy=debug | INFO
                    ztunnel::proxy=debug        | ERROR
                    """)
    void s5_7_verdictsFollowTheFilter(String filter, String level) {
        start(filter);
        assertThat(levelOf(Scope.STATE)).isEqualTo(level);
    }

    @Test
    void s5_4_ourPackagesFollowTheFilterAndLibrariesSpeakAtInfoAtMost() {
        start("debug");
        assertThat(levelOf("io.ztunnel.inbound.InboundConnection")).isEqualTo("DEBUG");
        assertThat(levelOf("io.netty.channel")).isEqualTo("INFO");
    }

    @Test
    void s5_4_aFilterThatIsReplacedLeavesNothingBehind() {
        Logging logging = start("debug");
        logging.set(LogFilter.parse("info,io.netty=debug"));
        assertThat(levelOf(Scope.STATE)).isEqualTo("INFO");
        assertThat(levelOf("io.netty.channel")).isEqualTo("DEBUG");
        logging.set(logging.startupFilter());
        assertThat(levelOf(Scope.STATE)).isEqualTo("DEBUG");
        assertThat(levelOf("io.netty.channel")).isEqualTo("INFO");
    }
}
