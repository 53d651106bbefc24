package io.ztunnel.observe;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;

@Timeout(20)
class LogWriterTest {
    @Test
    void aStuckOutputDropsLinesInsteadOfBlockingAndSaysSoLater() throws Exception {
        CountDownLatch stuck = new CountDownLatch(1);
        ByteArrayOutputStream kept = new ByteArrayOutputStream();
        OutputStream out =
                new OutputStream() {
                    @Override
                    public void write(int b) {
                        throw new AssertionError("single bytes are not written");
                    }

                    @Override
                    public void write(byte[] bytes, int offset, int length) {
                        try {
                            stuck.await();
                        } catch (InterruptedException interrupted) {
                            Thread.currentThread().interrupt();
                        }
                        kept.write(bytes, offset, length);
                    }
                };
        LogWriter writer = new LogWriter(out, LogFormat.PLAIN, 100);

        for (int i = 0; i < 10; i++) {
            writer.offer("access line\n".getBytes(StandardCharsets.UTF_8), 1, true);
        }
        writer.offer("own line\n".getBytes(StandardCharsets.UTF_8), 1, false);
        long dropped = writer.droppedLines();
        stuck.countDown();
        writer.close();

        assertThat(dropped).isEqualTo(4);
        assertThat(kept.toString(StandardCharsets.UTF_8))
                .contains("own line\n")
                .contains("log lines were dropped")
                .endsWith("lines=4\n");
    }
}
