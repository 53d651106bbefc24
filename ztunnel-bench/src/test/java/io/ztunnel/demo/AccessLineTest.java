package io.ztunnel.demo;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class AccessLineTest {
    @Test
    void bareAndQuotedValuesAreRead() {
        String line =
                "2030-01-01T00:00:00.000001Z\terror\taccess\tconnection complete"
                    + "\tsrc.addr=10.0.2.2:40112 src.identity=\"spiffe://cluster.local/ns/a/sa/b\""
                    + " direction=\"inbound\" bytes_sent=7 error=\"he said \\\"no\\\", twice\"";

        assertThat(AccessLine.isOne(line)).isTrue();
        AccessLine read = AccessLine.parse(line);
        assertThat(read.get("src.addr")).isEqualTo("10.0.2.2:40112");
        assertThat(read.get("src.identity")).isEqualTo("spiffe://cluster.local/ns/a/sa/b");
        assertThat(read.get("direction")).isEqualTo("inbound");
        assertThat(read.get("bytes_sent")).isEqualTo("7");
        assertThat(read.get("error")).contains("no", "twice");
        assertThat(read.get("dst.identity")).isEmpty();
    }

    @Test
    void otherLinesAreNotAccessLines() {
        assertThat(AccessLine.isOne("2030-01-01T00:00:00Z\tinfo\tapp\tlistener established"))
                .isFalse();
    }
}
