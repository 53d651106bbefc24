package io.ztunnel.hbone.header;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.Random;

/// Any authenticated peer may write anything into these headers: it is understood or passed over,
/// and what we understood we would write the same way again.
class HeaderFuzzTest {
    private static final String[] PIECES = {
        "k8s.cluster.name=",
        "k8s.pod.name=",
        "k8s.deployment.name=",
        "service.name=",
        "for=",
        "host=",
        "\"",
        ";",
        ",",
        "=",
        " ",
        "00-",
        "-01",
        "0123456789abcdef",
        "é",
        "\u0000",
        "x",
        "[",
        "]:",
        "."
    };

    @Test
    void baggage() {
        Random random = new Random(1);
        for (int i = 0; i < 100_000; i++) {
            Baggage read = Baggage.parse(text(random));
            assertThat(Baggage.parse(read.write())).isEqualTo(read);
        }
    }

    @Test
    void forwarded() {
        Random random = new Random(2);
        for (int i = 0; i < 100_000; i++) {
            Forwarded read = Forwarded.parse(text(random));
            assertThat(read.host() == null || !read.host().isEmpty()).isTrue();
        }
    }

    @Test
    void traceparent() {
        Random random = new Random(3);
        for (int i = 0; i < 100_000; i++) {
            TraceParent read = TraceParent.parse(text(random));
            if (read != null) {
                assertThat(TraceParent.parse(read.write())).isEqualTo(read);
            }
        }
        for (int i = 0; i < 1000; i++) {
            TraceParent made = TraceParent.random();
            assertThat(made.write()).hasSize(55);
            assertThat(TraceParent.parse(made.write())).isEqualTo(made);
        }
    }

    private static String text(Random random) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(12); i > 0; i--) {
            text.append(PIECES[random.nextInt(PIECES.length)]);
        }
        return text.toString();
    }
}
