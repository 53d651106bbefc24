package io.ztunnel.rehearsal;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;

/// The application behind the daemon: sends back what it receives.
final class EchoServer implements AutoCloseable {
    private static final int BACKLOG = 128;
    private static final int CHUNK = 64 * 1024;

    private final ServerSocket listener;

    private EchoServer(ServerSocket listener) {
        this.listener = listener;
    }

    static EchoServer start(InetSocketAddress at) throws IOException {
        EchoServer server =
                new EchoServer(new ServerSocket(at.getPort(), BACKLOG, at.getAddress()));
        Thread.ofVirtual().name("echo").start(server::accept);
        return server;
    }

    InetSocketAddress address() {
        return (InetSocketAddress) listener.getLocalSocketAddress();
    }

    private void accept() {
        try {
            while (true) {
                Socket client = listener.accept();
                Thread.ofVirtual().start(() -> echo(client));
            }
        } catch (IOException closed) {
            // The rehearsal is over.
        }
    }

    private static void echo(Socket client) {
        byte[] chunk = new byte[CHUNK];
        try (client) {
            client.setTcpNoDelay(true);
            InputStream in = client.getInputStream();
            OutputStream out = client.getOutputStream();
            for (int count = in.read(chunk); count >= 0; count = in.read(chunk)) {
                out.write(chunk, 0, count);
            }
        } catch (IOException gone) {
            // The client notices.
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }
}
