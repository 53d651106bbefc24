package io.ztunnel.config;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// docs/spec/config-observability-dns.md 2.3.6: upstream's keys, and ours in addition.
class ConfigSectionTest {
    /// Only what every machine has.
    private static final ConfigFiles NONE =
            new ConfigFiles() {
                @Override
                public String read(String path) throws NoSuchFileException {
                    if (path.equals("/etc/resolv.conf")) {
                        return "nameserver 10.96.0.10\n";
                    }
                    throw new NoSuchFileException(path);
                }

                @Override
                public boolean exists(String path) {
                    return false;
                }
            };

    private static String dump(Map<String, String> variables) throws IOException {
        ZtunnelConfig config = ConfigReader.read(variables, NONE).config();
        assertThat(config).isNotNull();
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
            new ConfigSection(config).write(json);
        }
        return text.toString();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "OUTBOUND_CONNECT_ATTEMPTS|7|\"outboundConnectAttempts\":7",
                "OUTBOUND_CONNECT_WINDOW|7s|\"outboundConnectWindow\":{\"nanos\":0,\"secs\":7}",
                "OUTBOUND_ATTEMPT_TIMEOUT|7s|\"outboundAttemptTimeout\":{\"nanos\":0,\"secs\":7}",
                "OUTBOUND_AVOID_TIME|7s|\"outboundAvoidTime\":{\"nanos\":0,\"secs\":7}",
                "POLICY_HOLD|7s|\"policyHold\":{\"nanos\":0,\"secs\":7}",
                "UNKNOWN_POLICY|deny|\"unknownPolicy\":\"deny\"",
                "TUNNEL_EXPIRY_GRACE|7s|\"tunnelExpiryGrace\":{\"nanos\":0,\"secs\":7}",
                "ZTUNNEL_MAX_SOCKETS|777|\"maxSockets\":777",
                "ZTUNNEL_MAX_DNS_QUERIES|7|\"maxDnsQueries\":7",
                "ZTUNNEL_MAX_HANDSHAKES|7|\"maxHandshakes\":7",
                "ZTUNNEL_MAX_BUFFERED_BYTES|7777777|\"maxBufferedBytes\":7777777",
                "ZTUNNEL_OUTBOUND_IDLE_TIMEOUT|7s|\"outboundIdleTimeout\":{\"nanos\":0,\"secs\":7}",
                "ZTUNNEL_INBOUND_IDLE_TIMEOUT|7s|\"inboundIdleTimeout\":{\"nanos\":0,\"secs\":7}",
                "ZTUNNEL_PASSTHROUGH_IDLE_TIMEOUT|7s|\"passthroughIdleTimeout\":{\"nanos\":0,\"secs\":7}",
                "ZTUNNEL_HALF_CLOSED_IDLE_TIMEOUT|7s|\"halfClosedIdleTimeout\":{\"nanos\":0,\"secs\":7}",
                "ZTUNNEL_GONE_PEER_GRACE|7s|\"gonePeerGrace\":{\"nanos\":0,\"secs\":7}",
                "ZTUNNEL_POD_STOP_GRACE|3s|\"podStopGrace\":{\"nanos\":0,\"secs\":3}",
                "ZTUNNEL_STUCK_AFTER|7s|\"stuckAfter\":{\"nanos\":0,\"secs\":7}",
                "XDS_SNAPSHOT_DIRECTORY|/kept|\"xdsSnapshotDirectory\":\"/kept\"",
                "RUST_LOG|debug|\"logFilter\":\"debug\"",
                "LOG_FORMAT|json|\"logFormat\":\"json\"",
                "AUTHZ_POLICY_INFO_LOGGING|true|\"authzPolicyInfoLogging\":true",
                "COMPLIANCE_POLICY|pqc|\"compliancePolicy\":\"pqc\"",
                "TLS12_ENABLED|true|\"tls12Enabled\":true"
            })
    void whatWasSetIsShown(String variable, String value, String shown) throws IOException {
        assertThat(dump(Map.of())).doesNotContain(shown);
        assertThat(dump(Map.of(variable, value))).contains(shown);
    }

    @Test
    void aKeptStateShowsItsAge() throws IOException {
        assertThat(dump(Map.of("XDS_SNAPSHOT_DIRECTORY", "/kept", "XDS_SNAPSHOT_MAX_AGE", "7s")))
                .contains("\"xdsSnapshotMaxAge\":{\"nanos\":0,\"secs\":7}");
    }

    @Test
    void keysAreInAlphabeticalOrder() throws IOException {
        List<String> keys = new ArrayList<>();
        try (JsonParser json = new JsonFactory().createParser(dump(Map.of()))) {
            int depth = 0;
            for (JsonToken token = json.nextToken(); token != null; token = json.nextToken()) {
                if (token.isStructStart()) {
                    depth++;
                } else if (token.isStructEnd()) {
                    depth--;
                } else if (token == JsonToken.FIELD_NAME && depth == 1) {
                    keys.add(json.currentName());
                }
            }
        }
        assertThat(keys).isSorted().doesNotHaveDuplicates();
    }
}
