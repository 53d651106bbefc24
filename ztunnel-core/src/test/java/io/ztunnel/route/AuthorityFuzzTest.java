package io.ztunnel.route;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.Random;

/// A peer may write anything into `:authority`: it is understood or it is not, and nothing else.
class AuthorityFuzzTest {
    private static final String ALPHABET = "0123456789abcdefxyz.:[]@-_/%*\u0000 ";

    @Test
    void anyTextIsAnAuthorityOrNoneAndReadsBackTheSame() {
        Random random = new Random(15008);
        int understood = 0;
        for (int i = 0; i < 200_000; i++) {
            String text = text(random);
            Authority authority = Authority.parseOrNull(text);
            if (authority != null) {
                understood++;
                assertThat(authority.port()).isBetween(0, 65535);
                assertThat(Authority.parseOrNull(authority.toString())).isEqualTo(authority);
            }
        }
        assertThat(understood).isGreaterThan(100);
    }

    private static String text(Random random) {
        StringBuilder text = new StringBuilder();
        int length = random.nextInt(24);
        for (int i = 0; i < length; i++) {
            text.append(ALPHABET.charAt(random.nextInt(ALPHABET.length())));
        }
        if (random.nextBoolean()) {
            text.append(':').append(random.nextInt(70_000));
        }
        return text.toString();
    }
}
