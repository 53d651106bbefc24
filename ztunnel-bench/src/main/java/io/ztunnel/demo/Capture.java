package io.ztunnel.demo;

import io.ztunnel.testkit.Namespace;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// Listens on a cable with tcpdump and reads what it wrote.
final class Capture implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(15);
    private static final int FILE_HEADER = 24;
    private static final int PACKET_HEADER = 16;
    private static final int ETHERNET_HEADER = 14;
    private static final int ETHERTYPE_IPV4 = 0x0800;
    private static final int TCP = 6;

    private final Process tcpdump;
    private final Path file;

    private Capture(Process tcpdump, Path file) {
        this.tcpdump = tcpdump;
        this.file = file;
    }

    /// Starts, and returns when tcpdump is really listening.
    static Capture between(Namespace fabric, String cable, Path file) {
        Path log = file.resolveSibling(file.getFileName() + ".log");
        Process tcpdump =
                fabric.start(
                        List.of(
                                "tcpdump",
                                "-i",
                                cable,
                                "-n",
                                "-U",
                                "--immediate-mode",
                                "-Z",
                                "root",
                                "-w",
                                file.toString(),
                                "tcp and src net 10.0.0.0/16 and dst net 10.0.0.0/16"),
                        Map.of(),
                        log.toFile());
        Capture capture = new Capture(tcpdump, file);
        // It writes the header of the file when it begins.
        if (!Until.isTrue(PATIENCE, () -> capture.size() >= FILE_HEADER)) {
            throw new StoryFailed("tcpdump listens on the wire", LogFile.tail(log, 5));
        }
        return capture;
    }

    /// Waits until somebody's data shows up, ends, and returns everything seen in both directions.
    List<Packet> stop() {
        Until.isTrue(PATIENCE, () -> read(bytes()).size() >= 2);
        close();
        return read(bytes());
    }

    @Override
    public void close() {
        tcpdump.destroy();
        try {
            if (!tcpdump.waitFor(5, TimeUnit.SECONDS)) {
                tcpdump.destroyForcibly();
            }
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    /// Segments with data in a capture file of Ethernet frames; half a frame at the end is left
    /// out.
    static List<Packet> read(byte[] file) {
        List<Packet> packets = new ArrayList<>();
        ByteBuffer data = ByteBuffer.wrap(file).order(ByteOrder.nativeOrder());
        int at = FILE_HEADER;
        while (at + PACKET_HEADER <= file.length) {
            int length = data.getInt(at + 8);
            at += PACKET_HEADER;
            if (at + length > file.length) {
                break;
            }
            addIfData(packets, Arrays.copyOfRange(file, at, at + length));
            at += length;
        }
        return packets;
    }

    private static void addIfData(List<Packet> packets, byte[] frame) {
        ByteBuffer data = ByteBuffer.wrap(frame);
        if (frame.length < ETHERNET_HEADER + 40
                || data.getShort(12) != ETHERTYPE_IPV4
                || frame[ETHERNET_HEADER + 9] != TCP) {
            return;
        }
        int ip = ETHERNET_HEADER;
        int tcp = ip + (frame[ip] & 0x0f) * 4;
        int payload = tcp + (frame[tcp + 12] >> 4 & 0x0f) * 4;
        // Short frames are padded; the length is the one the IP header tells.
        int end = Math.min(frame.length, ip + Short.toUnsignedInt(data.getShort(ip + 2)));
        if (payload < end) {
            packets.add(
                    new Packet(
                            endpoint(data, frame, ip + 12, tcp),
                            endpoint(data, frame, ip + 16, tcp + 2),
                            Arrays.copyOfRange(frame, payload, end)));
        }
    }

    private static String endpoint(ByteBuffer data, byte[] frame, int address, int port) {
        try {
            byte[] ip = Arrays.copyOfRange(frame, address, address + 4);
            return InetAddress.getByAddress(ip).getHostAddress()
                    + ":"
                    + Short.toUnsignedInt(data.getShort(port));
        } catch (IOException impossible) {
            throw new IllegalStateException("four bytes are always legal", impossible);
        }
    }

    private long size() {
        return file.toFile().length();
    }

    private byte[] bytes() {
        try {
            return Files.readAllBytes(file);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }
}
