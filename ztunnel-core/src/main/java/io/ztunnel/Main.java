package io.ztunnel;

import io.ztunnel.config.ConfigFiles;
import io.ztunnel.config.ConfigProblem;
import io.ztunnel.config.ConfigReader;
import io.ztunnel.config.ZtunnelConfig;
import io.ztunnel.observe.LogFilter;
import io.ztunnel.observe.LogFormat;
import io.ztunnel.observe.LogWriter;
import io.ztunnel.observe.Logging;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.util.Map;

/// The command line (docs/spec/config-observability-dns.md 1.7). Only the first argument counts.
public final class Main {
    private static final String HELP =
            """
            Commands:
              proxy (default): run the proxy
              version: print the build information
              help: print commands and build information
            """;

    private Main() {}

    /// Runs a command and ends the process with its exit code.
    public static void main(String[] args) {
        int code = run(args, System.getenv(), System.out, System.err);
        System.out.flush();
        System.exit(code);
    }

    static int run(
            String[] args, Map<String, String> environment, PrintStream out, PrintStream err) {
        String command = args.length == 0 ? "proxy" : args[0];
        BuildInfo build =
                BuildInfo.read(environment.getOrDefault("ISTIO_META_ISTIO_VERSION", "unknown"));
        switch (command) {
            case "proxy" -> {
                return proxy(String.join(" ", args), environment, build, err);
            }
            case "version", "--version" -> out.println(build);
            case "help", "--help" -> help(build, out);
            default -> {
                err.println("unknown command: " + command);
                help(build, out);
                return 1;
            }
        }
        return 0;
    }

    private static void help(BuildInfo build, PrintStream out) {
        out.println(build);
        out.print(HELP);
    }

    private static int proxy(
            String proxyArgs, Map<String, String> environment, BuildInfo build, PrintStream err) {
        ConfigReader.Result read =
                ConfigReader.read(
                        environment,
                        ConfigFiles.real(),
                        proxyArgs,
                        Runtime.getRuntime().availableProcessors());
        ZtunnelConfig config = read.config();
        if (config == null) {
            read.problems().forEach(problem -> err.println("Error: " + problem));
            return 1;
        }
        LogFormat format = config.logs().json() ? LogFormat.JSON : LogFormat.PLAIN;
        try (LogWriter writer = new LogWriter(new FileOutputStream(FileDescriptor.out), format)) {
            Logging logging =
                    Logging.start(writer, format, LogFilter.parse(config.logs().filter()));
            Logger log = LoggerFactory.getLogger(Main.class);
            log.info("version: {}", build);
            for (ConfigProblem warning : read.warnings()) {
                log.warn("{}", warning);
            }
            try (Daemon daemon = new Daemon(config, build, logging)) {
                daemon.start();
                daemon.awaitEnd();
                return 0;
            } catch (Exception failed) {
                log.error("ztunnel failed", failed);
                writer.flush(1000);
                err.println("Error: " + chain(failed));
                return 1;
            }
        }
    }

    private static String chain(Throwable failed) {
        StringBuilder text = new StringBuilder(String.valueOf(failed.getMessage()));
        for (Throwable at = failed.getCause(); at != null; at = at.getCause()) {
            String message = String.valueOf(at.getMessage());
            // Whoever wraps often repeats the sentence.
            if (text.indexOf(message) < 0) {
                text.append("\n  caused by: ").append(message);
            }
        }
        return text.toString();
    }
}
