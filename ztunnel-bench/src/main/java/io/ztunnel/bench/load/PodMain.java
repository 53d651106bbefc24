package io.ztunnel.bench.load;

import static java.nio.charset.StandardCharsets.US_ASCII;

import org.jspecify.annotations.Nullable;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/// The applications of a pod: one command per line of standard input, one answer per line of
/// standard output. It ends when standard input does, so that it cannot outlive the benchmark.
///
/// - `echo <port>` sends back whatever comes there, from now on
/// - `requests <ip> <port> <connections> <bytes> <settle ms> <ms>`
/// - `connects <ip> <port> <parallel> <ms>`
/// - `hold <ip> <port> <connections> <ms>` opens and keeps, `release` closes what is kept
/// - `stall <ip> <port> <connections>` writes and does not read, until `release`
/// - `probe <ip> <port> <ms>` one connection, one byte
/// - `ready <port> <ms>` until `/healthz/ready` on this port of loopback says 200
/// - `listening <ip> <port> <ms>` until something accepts
///
/// `ready`, `listening` and `probe` answer with `at`, a reading of [System#nanoTime]: on Linux that
/// is the machine's monotonic clock, the same in every process.
public final class PodMain {
    private static final long BETWEEN_TRIES = TimeUnit.MILLISECONDS.toNanos(1);

    private @Nullable ConnectLoop held;
    private @Nullable StallLoop stalled;

    private PodMain() {}

    public static void main(String[] args) throws IOException {
        PodMain pod = new PodMain();
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, US_ASCII));
        System.out.println(Answer.ok().line());
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String answer;
            try {
                answer = pod.answer(line.split(" "));
            } catch (IOException | RuntimeException problem) {
                answer = Answer.fail(problem);
            }
            System.out.println(answer);
        }
        Runtime.getRuntime().halt(0);
    }

    private String answer(String[] words) throws IOException {
        return switch (words[0]) {
            case "echo" -> echo(Integer.parseInt(words[1]));
            case "requests" -> requests(words);
            case "connects" -> {
                try (ConnectLoop loop = new ConnectLoop(target(words), false)) {
                    yield loop.run(Integer.parseInt(words[3]), Long.MAX_VALUE, nanos(words[4]));
                }
            }
            case "hold" -> hold(words);
            case "release" -> release();
            case "stall" -> stall(words);
            case "probe" -> probe(words);
            case "ready" -> ready(Integer.parseInt(words[1]), nanos(words[2]));
            case "listening" -> listening(target(words), nanos(words[3]));
            default -> throw new IllegalArgumentException("unknown command " + words[0]);
        };
    }

    private static String echo(int port) throws IOException {
        Thread.ofPlatform().daemon().name("bench-echo").start(new EchoLoop(port));
        return Answer.ok().line();
    }

    private static String requests(String[] words) throws IOException {
        int connections = Integer.parseInt(words[3]);
        int size = Integer.parseInt(words[4]);
        try (RequestLoop loop = new RequestLoop(target(words), connections, size)) {
            return loop.run(nanos(words[5]), nanos(words[6]));
        }
    }

    private String hold(String[] words) throws IOException {
        release();
        ConnectLoop loop = new ConnectLoop(target(words), true);
        held = loop;
        return loop.run(32, Long.parseLong(words[3]), nanos(words[4]));
    }

    private String stall(String[] words) throws IOException {
        release();
        StallLoop loop = new StallLoop(target(words), Integer.parseInt(words[3]));
        stalled = loop;
        return loop.fill();
    }

    private String release() throws IOException {
        if (held != null) {
            held.close();
            held = null;
        }
        if (stalled != null) {
            stalled.close();
            stalled = null;
        }
        return Answer.ok().line();
    }

    private static String probe(String[] words) throws IOException {
        int limit = Integer.parseInt(words[3]);
        long start = System.nanoTime();
        try (Socket socket = new Socket()) {
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(limit);
            socket.connect(target(words), limit);
            socket.getOutputStream().write('x');
            if (socket.getInputStream().read() != 'x') {
                throw new IOException("closed before the first byte");
            }
        }
        long end = System.nanoTime();
        return Answer.ok().with("us", (end - start) / 1e3).with("at", end).line();
    }

    private static String ready(int port, long limit) throws IOException {
        long deadline = System.nanoTime() + limit;
        while (System.nanoTime() < deadline) {
            if (saysReady(port)) {
                return Answer.ok().with("at", System.nanoTime()).line();
            }
            LockSupport.parkNanos(BETWEEN_TRIES);
        }
        throw new IOException("not ready in time");
    }

    private static boolean saysReady(int port) {
        try (Socket socket = new Socket()) {
            socket.setSoTimeout(1_000);
            socket.connect(new InetSocketAddress("127.0.0.1", port), 1_000);
            OutputStream out = socket.getOutputStream();
            out.write("GET /healthz/ready HTTP/1.1\r\nhost: x\r\n\r\n".getBytes(US_ASCII));
            InputStream in = socket.getInputStream();
            return new String(in.readNBytes(12), US_ASCII).endsWith(" 200");
        } catch (IOException notYet) {
            return false;
        }
    }

    private static String listening(InetSocketAddress target, long limit) throws IOException {
        long deadline = System.nanoTime() + limit;
        while (System.nanoTime() < deadline) {
            try (Socket socket = new Socket()) {
                socket.connect(target, 1_000);
                return Answer.ok().with("at", System.nanoTime()).line();
            } catch (IOException notYet) {
                LockSupport.parkNanos(BETWEEN_TRIES);
            }
        }
        throw new IOException("nothing listens at " + target);
    }

    private static InetSocketAddress target(String[] words) {
        return new InetSocketAddress(words[1], Integer.parseInt(words[2]));
    }

    private static long nanos(String millis) {
        return TimeUnit.MILLISECONDS.toNanos(Long.parseLong(millis));
    }
}
