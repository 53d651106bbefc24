package io.ztunnel.inpod;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.LongStream;

class BackoffTest {
    private final InpodSettings defaults =
            InpodSettings.at(Path.of("unused"), Duration.ofSeconds(1));
    private final Backoff backoff =
            new Backoff(defaults.firstReconnect(), defaults.slowestReconnect());

    @Test
    void doublesFrom20MillisecondsUpTo15Seconds() {
        assertThat(LongStream.generate(() -> backoff.next().toMillis()).limit(12))
                .containsExactly(
                        20L, 40L, 80L, 160L, 320L, 640L, 1280L, 2560L, 5120L, 10240L, 15000L,
                        15000L);
    }

    @Test
    void startsOver() {
        backoff.next();
        backoff.next();
        backoff.startOver();

        assertThat(backoff.next()).isEqualTo(Duration.ofMillis(20));
    }

    @Test
    void theDefaultsAreThoseOfTheSpecification() {
        assertThat(InpodSettings.DEFAULT_SOCKET).hasToString("/var/run/ztunnel/ztunnel.sock");
        assertThat(defaults.answerWithin()).isLessThan(Duration.ofSeconds(5));
        assertThat(defaults.firstRetry()).isLessThan(Duration.ofSeconds(5));
        assertThat(defaults.slowestRetry()).isEqualTo(Duration.ofSeconds(15));
        assertThat(defaults.readyWithout()).isEqualTo(Duration.ofSeconds(30));
    }
}
