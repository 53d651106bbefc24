package io.ztunnel;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.FastThreadLocalThread;
import io.ztunnel.admin.AdminServer;
import io.ztunnel.admin.ConfigDump;
import io.ztunnel.admin.MeshSections;
import io.ztunnel.admin.MetricsServer;
import io.ztunnel.admin.ReadinessServer;
import io.ztunnel.config.ConfigSection;
import io.ztunnel.config.ZtunnelConfig;
import io.ztunnel.lifecycle.Drain;
import io.ztunnel.lifecycle.Hold;
import io.ztunnel.lifecycle.Readiness;
import io.ztunnel.observe.Logging;
import io.ztunnel.observe.Metrics;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.StringWriter;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// One running ztunnel: opens the ports for humans and probes, starts the parts that carry traffic,
/// and ends everything in order (docs/spec/config-observability-dns.md 7).
///
/// The thread that calls [#start] and [#awaitEnd] is the main thread; signals arrive on others.
public final class Daemon implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Daemon.class);

    /// How long parts may take to let go once they are cut off.
    private static final Duration LAST_WORDS = Duration.ofSeconds(1);

    private static final Path LOOPBACK_V6_OFF = Path.of("/proc/sys/net/ipv6/conf/lo/disable_ipv6");

    private final ZtunnelConfig config;
    private final BuildInfo build;
    private final Logging logging;
    private final Readiness readiness = new Readiness();
    private final Drain drain;
    private final Metrics metrics;
    private final ConfigDump dump = new ConfigDump();
    private final EventLoopGroup adminLoop =
            new MultiThreadIoEventLoopGroup(
                    1,
                    (ThreadFactory) task -> new FastThreadLocalThread(task, "zt-admin"),
                    NioIoHandler.newFactory());
    private final List<AutoCloseable> parts = new ArrayList<>();
    private final List<AutoCloseable> servers = new ArrayList<>();

    /// Whether SIGINT was what the end began with.
    private volatile boolean interrupted;

    Daemon(ZtunnelConfig config, BuildInfo build, Logging logging) {
        this.config = config;
        this.build = build;
        this.logging = logging;
        drain = new Drain(config.terminationDeadline());
        metrics = new Metrics(build.istioVersion(), logging.writer());
    }

    /// Opens everything. On failure the caller closes this.
    ///
    /// @throws IOException where a port cannot be bound
    void start() throws IOException {
        // Held until every part is on its way, so that the probe cannot turn green in between. A
        // failure leaves it held: a daemon about to end must not report ready first.
        List<Hold> starting = new ArrayList<>();
        if (config.sockets().proxy()) {
            starting.add(readiness.hold(Readiness.PROXY));
        }
        if (config.dns().enabled()) {
            starting.add(readiness.hold(Readiness.DNS_PROXY));
        }
        LOG.info("running with config: {}", describe());
        dump.register(new ConfigSection(config));
        dump.register(build);
        openServers();
        Signals.listen(this::onSignal);
        startTraffic();
        starting.forEach(Hold::close);
    }

    private void startTraffic() throws IOException {
        DataPlane traffic = new DataPlane(config, metrics, logging, readiness, drain);
        parts.add(traffic);
        MeshSections.of(() -> traffic.mesh().published().mesh()).forEach(dump::register);
        dump.register(new ControlPlaneSection(traffic));
        dump.register(new CertificateSection(traffic.certificates()));
        if (config.mode() == ZtunnelConfig.Mode.SHARED) {
            dump.register(new WorkloadStateSection(traffic));
            dump.register(new NodeAgentSection(traffic));
        }
        traffic.start();
    }

    private void openServers() throws IOException {
        boolean v6 = config.sockets().ipv6() && Files.exists(Path.of("/proc/net/if_inet6"));
        String wildcard = v6 ? "::" : "0.0.0.0";
        servers.add(
                AdminServer.open(
                        adminLoop,
                        loopback(v6, config.ports().admin()),
                        dump,
                        logging,
                        () -> drain.start(Drain.Mode.GRACEFUL)));
        established("admin", config.ports().admin());
        servers.add(
                ReadinessServer.open(
                        adminLoop,
                        new InetSocketAddress(wildcard, config.ports().readiness()),
                        readiness));
        established("readiness", config.ports().readiness());
        servers.add(
                MetricsServer.open(
                        adminLoop,
                        new InetSocketAddress(wildcard, config.ports().stats()),
                        metrics));
        established("stats", config.ports().stats());
    }

    /// Asks for a graceful end, as SIGTERM does. Any thread.
    void end() {
        drain.start(Drain.Mode.GRACEFUL);
    }

    /// Waits for the drain to start and to end, at most until its deadline.
    void awaitEnd() throws InterruptedException, ExecutionException {
        Hold untilStarted = drain.hold("main");
        CountDownLatch started = new CountDownLatch(1);
        try (Drain.Registration _ = drain.onStart(mode -> started.countDown())) {
            started.await();
        }
        LOG.atInfo().addKeyValue("deadline", drain.deadline()).log("draining");
        // Not from the loop that answers /quitquitquit, which must not wait for itself.
        closeAll(servers);
        untilStarted.close();
        if (!drained(drain.deadline())) {
            LOG.atWarn().addKeyValue("held", drain.held()).log("drain deadline reached");
            drain.start(Drain.Mode.IMMEDIATE);
            drained(LAST_WORDS);
        }
        LOG.info("drained");
    }

    private boolean drained(Duration within) throws InterruptedException, ExecutionException {
        try {
            drain.done().get(within.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException stillHeld) {
            return false;
        }
    }

    /// SIGTERM promises a deadline, so only what began with SIGINT ends at once with the second.
    private void onSignal(String name) {
        LOG.atInfo().addKeyValue("signal", name).log("received signal");
        boolean interrupt = name.equals("INT");
        if (interrupt && interrupted) {
            logging.writer().flush(100);
            Runtime.getRuntime().halt(0);
        }
        if (interrupt && !drain.hasStarted()) {
            interrupted = true;
        }
        drain.start(Drain.Mode.GRACEFUL);
    }

    private static void closeAll(List<AutoCloseable> all) {
        for (AutoCloseable each : all) {
            try {
                each.close();
            } catch (Exception unexpected) {
                LOG.warn("a part did not close", unexpected);
            }
        }
        all.clear();
    }

    @Override
    public void close() {
        closeAll(servers);
        closeAll(parts);
        // In-flight answers finish; two seconds are far more than one takes.
        adminLoop.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(3000);
    }

    private static List<InetSocketAddress> loopback(boolean v6, int port) throws IOException {
        List<InetSocketAddress> addresses = new ArrayList<>();
        addresses.add(new InetSocketAddress("127.0.0.1", port));
        if (v6
                && Files.exists(LOOPBACK_V6_OFF)
                && !Files.readString(LOOPBACK_V6_OFF).strip().equals("1")) {
            addresses.add(new InetSocketAddress("::1", port));
        }
        return addresses;
    }

    private static void established(String name, int port) {
        LOG.atInfo()
                .addKeyValue("component", name)
                .addKeyValue("port", port)
                .log("listener established");
    }

    /// One line, because logs are read line by line; JSON is YAML, too.
    private String describe() throws IOException {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
            new ConfigSection(config).write(json);
        }
        return text.toString();
    }
}
