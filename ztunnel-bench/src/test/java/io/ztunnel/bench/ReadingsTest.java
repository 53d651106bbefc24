package io.ztunnel.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/// What is read from the kernel and from iperf3.
class ReadingsTest {
    @Test
    void timesAreFoundBehindANameWithBlanksAndBrackets() {
        String stat = "42 (a) b (c) S 1 42 42 0 -1 4194304 100 0 0 0 300 25 7 8 20 0 12 0 99";
        assertThat(ProcFs.ticksOf(stat)).isEqualTo(325);
    }

    @Test
    void residentMemoryIsInBytes() {
        assertThat(ProcFs.residentOf("Name:\tx\nVmHWM:\t 9 kB\nVmRSS:\t   20 kB\n"))
                .isEqualTo(20_480);
    }

    @Test
    void ourOwnProcessCanBeRead() {
        assertThat(ProcFs.residentBytes(ProcessHandle.current())).isPositive();
        assertThat(ProcFs.cpuSeconds(ProcessHandle.current())).isNotNegative();
        assertThat(ProcFs.connectionsBegun(ProcessHandle.current())).isNotNegative();
    }

    @Test
    void theReceiversSumCounts() {
        Iperf run =
                Iperf.parse(
                        """
                        {"intervals": [{"sum": {"bytes": 1, "bits_per_second": 2}}],
                         "end": {"sum_sent": {"bytes": 9, "bits_per_second": 8, "sender": true},
                                 "sum_received": {"start": 0, "bytes": 700, "bits_per_second": 5.5e9,
                                                  "sender": true},
                                 "cpu_utilization_percent": {"host_total": 3}}}
                        """);
        assertThat(run).isEqualTo(new Iperf(700, 5.5e9));
    }

    @Test
    void aRunThatMovedNothingIsAFailure() {
        assertThatThrownBy(() -> Iperf.parse("{\"error\": \"unable to connect\"}"))
                .isInstanceOf(LabFailure.class)
                .hasMessageContaining("unable to connect");
    }
}
