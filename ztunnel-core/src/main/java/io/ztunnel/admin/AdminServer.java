package io.ztunnel.admin;

import io.netty.channel.EventLoopGroup;
import io.ztunnel.observe.LogFilter;
import io.ztunnel.observe.Logging;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;

/// The administration port (docs/spec/config-observability-dns.md 2), for loopback only.
public final class AdminServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AdminServer.class);

    private static final String USAGE =
            """
            usage: POST /logging	(show the current levels)
            usage: POST /logging?level=<level>	(change the default level)
            usage: POST /logging?level=<scope>=<level>[,<level>]	(change one scope)
            usage: POST /logging?reset	(back to the levels of the start)
            levels: off error warn info debug trace
            """;

    private static final String INDEX =
            """
            <!DOCTYPE html>
            <html><head><title>ztunnel</title></head><body>
            <table border="1">
            <tr><th>Command</th><th>Description</th></tr>
            <tr><td><a href="config_dump">config_dump</a></td>\
            <td>configuration and state as JSON</td></tr>
            <tr><td><a href="logging">logging</a></td>\
            <td>show and change log levels (POST)</td></tr>
            <tr><td><a href="quitquitquit">quitquitquit</a></td>\
            <td>drain and end (POST)</td></tr>
            <tr><td><a href="debug/pprof/profile">debug/pprof/profile</a></td>\
            <td>CPU profile</td></tr>
            <tr><td><a href="debug/pprof/heap">debug/pprof/heap</a></td>\
            <td>heap profile</td></tr>
            <tr><td><a href="debug/pprof/heap/profiling">debug/pprof/heap/profiling</a></td>\
            <td>turn heap profiling on or off</td></tr>
            </table>
            </body></html>
            """;

    private final HttpPort port;

    private AdminServer(HttpPort port) {
        this.port = port;
    }

    /// @param addresses loopback ones
    /// @param quit starts the drain; returns at once
    /// @throws IOException naming the address that cannot be bound
    public static AdminServer open(
            EventLoopGroup loop,
            List<InetSocketAddress> addresses,
            ConfigDump dump,
            Logging logging,
            Runnable quit)
            throws IOException {
        for (InetSocketAddress address : addresses) {
            if (!address.getAddress().isLoopbackAddress()) {
                throw new IOException("the administration port is for loopback, not " + address);
            }
        }
        return new AdminServer(
                HttpPort.open(loop, addresses, request -> answer(request, dump, logging, quit)));
    }

    private static Answer answer(Request request, ConfigDump dump, Logging logging, Runnable quit) {
        return switch (request.path()) {
            case "/" ->
                    Answer.of("text/html; charset=utf-8", INDEX.getBytes(StandardCharsets.UTF_8));
            case "/config_dump" -> Answer.of("application/json", dump.write());
            case "/logging" -> logging(request, logging);
            case "/quitquitquit" -> quit(request, quit);
            case "/debug/pprof/profile" -> profile(request);
            case "/debug/pprof/heap" -> Answer.text(500, "heap profiling is not enabled");
            case "/debug/pprof/heap/profiling" -> heapProfiling(request);
            default -> Answer.empty(404);
        };
    }

    private static Answer logging(Request request, Logging logging) {
        if (!request.is("POST")) {
            return Answer.text(405, "Invalid HTTP method\n" + USAGE);
        }
        String level = request.parameter("level");
        boolean reset = request.has("reset");
        LogFilter filter = reset ? logging.startupFilter() : logging.filter();
        if (!level.isEmpty()) {
            try {
                filter = filter.with(level);
            } catch (IllegalArgumentException malformed) {
                return Answer.text(400, "Invalid level provided: " + level + "\n" + USAGE);
            }
        }
        if (reset || !level.isEmpty()) {
            logging.set(filter);
            LOG.atInfo().addKeyValue("filter", filter.toString()).log("log levels changed");
        }
        return Answer.text(200, "current log level is " + filter + "\n");
    }

    private static Answer quit(Request request, Runnable quit) {
        if (!request.is("POST")) {
            return Answer.empty(405);
        }
        quit.run();
        return Answer.text(200, "shutdown now\n");
    }

    private static Answer profile(Request request) {
        if (outOfRange(request, "seconds", 300)) {
            return Answer.text(400, "invalid seconds value; expected 1-300\n");
        }
        if (outOfRange(request, "frequency", 1000)) {
            return Answer.text(400, "invalid frequency value; expected 1-1000\n");
        }
        return Answer.text(
                501, "CPU profiles are not offered here; use jcmd <pid> JFR.start instead\n");
    }

    private static Answer heapProfiling(Request request) {
        return switch (request.parameter("activate")) {
            case "true", "false" -> Answer.text(500, "heap profiling is not enabled");
            default -> Answer.text(400, "invalid activate value; expected true or false\n");
        };
    }

    private static boolean outOfRange(Request request, String parameter, int most) {
        if (!request.has(parameter)) {
            return false;
        }
        try {
            int value = Integer.parseInt(request.parameter(parameter));
            return value < 1 || value > most;
        } catch (NumberFormatException malformed) {
            return true;
        }
    }

    public int port() {
        return port.port();
    }

    @Override
    public void close() {
        port.close();
    }
}
