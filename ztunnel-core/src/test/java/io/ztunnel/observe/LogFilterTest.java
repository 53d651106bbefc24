package io.ztunnel.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// docs/spec/config-observability-dns.md 2.4 and 5.4.
class LogFilterTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "debug | hickory_server::server=off,debug",
                "off | hickory_server::server=off,off",
                "access=debug,info | hickory_server::server=off,access=debug,info",
                "access:debug,info | hickory_server::server=off,access=debug,info",
                "ztunnel::proxy:trace |" + " hickory_server::server=off,ztunnel::proxy=trace,info",
            })
    void clausesAreAppended(String clauses, String rendered) {
        assertThat(LogFilter.parse("info").with(clauses)).hasToString(rendered);
    }

    @ParameterizedTest
    @ValueSource(strings = {"loud", "access", "access=loud", "info,", "=info", "ztunnel::proxy"})
    void bareScopesAndUnknownLevelsAreRefused(String clauses) {
        assertThatThrownBy(() -> LogFilter.parse("info").with(clauses))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theLongestScopeWins() {
        LogFilter filter = LogFilter.parse("ztunnel::proxy=debug,ztunnel::proxy::inbound=off,warn");
        assertThat(filter.levelOf("ztunnel::proxy::inbound")).isEqualTo(LogFilter.Level.OFF);
        assertThat(filter.levelOf("ztunnel::proxy::outbound")).isEqualTo(LogFilter.Level.DEBUG);
        assertThat(filter.levelOf("access")).isEqualTo(LogFilter.Level.WARN);
    }

    @Test
    void aBareScopeAtStartIsTrace() {
        assertThat(LogFilter.parse("access,info").levelOf("access"))
                .isEqualTo(LogFilter.Level.TRACE);
    }
}
