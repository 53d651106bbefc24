package io.ztunnel.demo;

import com.sun.net.httpserver.HttpServer;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;

/// The application of the story: an ordinary HTTP server that has never heard of a mesh.
final class WebServer {
    static final int PORT = 8080;
    static final String SECRET = "The secret ingredient is cinnamon.";

    private WebServer() {}

    public static void main(String[] args) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(PORT), 0);
        byte[] page = (SECRET + "\n").getBytes(StandardCharsets.UTF_8);
        server.createContext(
                "/recipe",
                exchange -> {
                    exchange.sendResponseHeaders(200, page.length);
                    exchange.getResponseBody().write(page);
                    exchange.close();
                });
        server.start();
    }
}
