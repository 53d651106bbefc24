package io.ztunnel.config;

import static io.ztunnel.config.Setting.*;

import org.jspecify.annotations.Nullable;

import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/// Reads where the mesh and the certificates come from, and how we prove there who we are
/// (docs/spec/config-observability-dns.md 1).
final class ControlPlaneSettings {
    private static final String ROOT_CERTIFICATE = "./var/run/secrets/istio/root-cert.pem";
    private static final String TOKEN = "./var/run/secrets/tokens/istio-token";

    private final Map<String, String> variables;
    private final ConfigFiles files;
    private final Environment env;
    private final List<ConfigProblem> problems;

    ControlPlaneSettings(
            Map<String, String> variables,
            ConfigFiles files,
            Environment env,
            List<ConfigProblem> problems) {
        this.variables = variables;
        this.files = files;
        this.env = env;
        this.problems = problems;
    }

    ZtunnelConfig.ControlPlane controlPlane(ProxyConfigDocument document) {
        String asked = env.isSet(XDS_ADDRESS) ? env.text(XDS_ADDRESS) : document.discoveryAddress();
        return new ZtunnelConfig.ControlPlane(
                uri(asked == null ? builtInAddress() : asked),
                roots(XDS_ROOT_CA),
                env.filled(ALT_XDS_HOSTNAME),
                token(),
                headers("XDS_HEADER_"),
                env.bool(XDS_ON_DEMAND, false),
                keptState(),
                localSource());
    }

    private ZtunnelConfig.@Nullable KeptState keptState() {
        Duration maxAge = env.seconds(XDS_SNAPSHOT_MAX_AGE, Duration.ofHours(24));
        String directory = env.filled(XDS_SNAPSHOT_DIRECTORY);
        return directory == null
                ? null
                : new ZtunnelConfig.KeptState(env.path(XDS_SNAPSHOT_DIRECTORY, directory), maxAge);
    }

    ZtunnelConfig.Authority authority() {
        boolean fake = env.bool(FAKE_CA, false);
        String revocations = env.filled(CRL_PATH);
        return new ZtunnelConfig.Authority(
                fake ? null : uri(env.text(CA_ADDRESS, builtInAddress())),
                roots(CA_ROOT_CA),
                env.filled(ALT_CA_HOSTNAME),
                token(),
                headers("CA_HEADER_"),
                fake,
                env.duration(SECRET_TTL, Duration.ofHours(24)),
                revocations == null ? null : env.path(CRL_PATH, revocations));
    }

    private String builtInAddress() {
        return env.isSet(KUBERNETES_SERVICE_HOST)
                ? "https://istiod.istio-system.svc:15012"
                : "https://localhost:15012";
    }

    private @Nullable URI uri(String text) {
        if (text.isEmpty()) {
            return null;
        }
        String full = text.contains("://") ? text : "https://" + text;
        try {
            URI uri = new URI(full);
            if (uri.getHost() != null
                    && (uri.getScheme().equals("https") || uri.getScheme().equals("http"))) {
                return uri;
            }
            problem("invalid uri: " + text + ": expected http(s)://host:port");
        } catch (URISyntaxException malformed) {
            problem("invalid uri: " + malformed.getMessage());
        }
        return null;
    }

    private ZtunnelConfig.RootCertificates roots(Setting setting) {
        String text = env.text(setting, ROOT_CERTIFICATE);
        if (text.equals("SYSTEM")) {
            return new ZtunnelConfig.RootCertificates.SystemStore();
        }
        // The default path counts as a file even while it does not exist yet: it is read when
        // needed.
        if (text.equals(ROOT_CERTIFICATE) || files.exists(text)) {
            return new ZtunnelConfig.RootCertificates.File(env.path(setting, text));
        }
        return new ZtunnelConfig.RootCertificates.Inline(text);
    }

    private ZtunnelConfig.@Nullable AuthToken token() {
        String text = env.text(AUTH_TOKEN, TOKEN);
        if (files.exists(text)) {
            return new ZtunnelConfig.AuthToken.File(env.path(AUTH_TOKEN, text));
        }
        return env.isSet(AUTH_TOKEN) ? new ZtunnelConfig.AuthToken.Literal(text) : null;
    }

    private List<ZtunnelConfig.Header> headers(String prefix) {
        List<ZtunnelConfig.Header> headers = new ArrayList<>();
        new TreeMap<>(variables)
                .forEach(
                        (variable, value) -> {
                            if (variable.startsWith(prefix)) {
                                String name =
                                        variable.substring(prefix.length())
                                                .toLowerCase(Locale.ROOT);
                                if (!name.matches("[a-z0-9!#$%&'*+.^_`|~-]+")) {
                                    problem("failed to parse header key: " + variable);
                                } else if (!value.matches("[\\t\\x20-\\x7e]*")) {
                                    problem("failed to parse header value: of " + variable);
                                } else {
                                    headers.add(new ZtunnelConfig.Header(name, value));
                                }
                            }
                        });
        return List.copyOf(headers);
    }

    private ZtunnelConfig.@Nullable LocalSource localSource() {
        String file = env.filled(LOCAL_XDS_PATH);
        String text = env.text(LOCAL_XDS);
        if (file != null && text != null) {
            problem("only one of LOCAL_XDS_PATH or LOCAL_XDS may be set");
        }
        if (file != null) {
            return new ZtunnelConfig.LocalSource.File(env.path(LOCAL_XDS_PATH, file));
        }
        return text == null ? null : new ZtunnelConfig.LocalSource.Inline(text);
    }

    private void problem(String message) {
        problems.add(new ConfigProblem(message));
    }
}
