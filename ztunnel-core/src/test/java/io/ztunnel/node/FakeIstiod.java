package io.ztunnel.node;

import io.netty.pkitesting.X509Bundle;
import io.ztunnel.xds.ScriptedServer;
import io.ztunnel.xds.ScriptedServer.ServerStream;
import io.ztunnel.xds.proto.discovery.DeltaDiscoveryRequest;
import io.ztunnel.xds.proto.discovery.DeltaDiscoveryResponse;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/// A control plane as a process of its own, to be killed and started again: answers each type with
/// the response in `<folder>/<type>.response`, and pushes it again whenever the file is replaced.
public final class FakeIstiod {
    private static final Duration LOOK = Duration.ofMillis(50);

    private final Path folder;

    private FakeIstiod(Path folder) {
        this.folder = folder;
    }

    /// @param args `<address> <port> <folder>`; the folder gets `istiod-root.pem`
    public static void main(String[] args) throws IOException {
        Path folder = Path.of(args[2]);
        X509Bundle root = ScriptedServer.authority();
        ScriptedServer server =
                new ScriptedServer(
                        ScriptedServer.serverCertificate(root, args[0]),
                        new InetSocketAddress(args[0], Integer.parseInt(args[1])));
        replace(rootOf(folder), root.getCertificatePEM().getBytes(StandardCharsets.US_ASCII));
        FakeIstiod istiod = new FakeIstiod(folder);
        while (true) {
            if (server.hasStream()) {
                ServerStream stream = server.accept();
                Thread.ofPlatform().daemon().start(() -> istiod.serve(stream));
            }
            LockSupport.parkNanos(LOOK.toNanos());
        }
    }

    /// What a client has to trust.
    public static Path rootOf(Path folder) {
        return folder.resolve("istiod-root.pem");
    }

    /// Says what is answered from now on.
    public static void answer(Path folder, DeltaDiscoveryResponse response) throws IOException {
        replace(file(folder, response.getTypeUrl()), response.toByteArray());
    }

    private static Path file(Path folder, String typeUrl) {
        return folder.resolve(typeUrl.substring(typeUrl.lastIndexOf('/') + 1) + ".response");
    }

    private static void replace(Path file, byte[] content) throws IOException {
        Path next = file.resolveSibling(file.getFileName() + ".next");
        Files.write(next, content);
        Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
    }

    private void serve(ServerStream stream) {
        Map<String, Object> sent = new HashMap<>();
        while (!stream.isOver()) {
            DeltaDiscoveryRequest request = stream.requestWithin(LOOK);
            if (request != null && request.hasNode()) {
                sent.put(request.getTypeUrl(), "nothing");
            }
            for (Map.Entry<String, Object> type : sent.entrySet()) {
                type.setValue(push(stream, type.getKey(), type.getValue()));
            }
        }
    }

    /// Sends the file of a type unless this version of it was sent.
    private Object push(ServerStream stream, String typeUrl, Object version) {
        try {
            Path file = file(folder, typeUrl);
            Object now = Files.readAttributes(file, "fileKey,lastModifiedTime");
            if (!now.equals(version)) {
                stream.respond(new ByteArrayInputStream(Files.readAllBytes(file)));
            }
            return now;
        } catch (IOException nothingToSay) {
            return version;
        }
    }
}
