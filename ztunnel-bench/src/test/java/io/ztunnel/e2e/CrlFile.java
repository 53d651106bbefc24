package io.ztunnel.e2e;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ztunnel.node.DaemonProcess;

import java.io.IOException;
import java.math.BigInteger;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The file of `CRL_PATH`, and what tests of it ask of daemons, ours and others.
record CrlFile(Path path) {
    private static final Pattern SERIAL = Pattern.compile("\"serialNumber\":\\s*\"(\\d+)\"");

    String[] enforcedBy(String... settings) {
        String[] all = Arrays.copyOf(settings, settings.length + 1);
        all[settings.length] = "CRL_PATH=" + path;
        return all;
    }

    void write(String text) throws IOException {
        Path next = path.resolveSibling("crl.next");
        Files.write(next, text.getBytes(US_ASCII));
        Files.move(next, path, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }

    /// Of the first certificate that the daemon holds; in dedicated mode it has one identity.
    static BigInteger serial(DaemonProcess daemon) {
        String dump = daemon.get("http://127.0.0.1:15000/config_dump");
        Matcher found = SERIAL.matcher(dump.substring(dump.indexOf("\"certificates\"")));
        if (!found.find()) {
            throw new AssertionError("no certificate yet: " + daemon.tail());
        }
        return new BigInteger(found.group(1));
    }

    /// Whether a connection to an echo server is over.
    static boolean isCut(Socket socket) {
        try {
            socket.setSoTimeout(200);
            socket.getOutputStream().write('?');
            return socket.getInputStream().read() < 0;
        } catch (SocketTimeoutException slow) {
            return false;
        } catch (IOException reset) {
            return true;
        }
    }
}
