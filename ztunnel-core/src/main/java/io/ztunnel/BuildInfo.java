package io.ztunnel;

import com.fasterxml.jackson.core.JsonGenerator;

import io.ztunnel.observe.DumpSection;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;

/// What this build is; also the `version` of `/config_dump`.
///
/// The keys are those consumers know, one of which names a language we are not written in: it tells
/// the Java runtime.
public record BuildInfo(String version, String gitRevision, String javaVersion, String istioVersion)
        implements DumpSection {
    private static final String CRYPTO = "BoringSSL (netty-tcnative)";

    /// Reads what the build left beside this class.
    ///
    /// @param istioVersion of `ISTIO_META_ISTIO_VERSION`, `unknown` without it
    public static BuildInfo read(String istioVersion) {
        Properties properties = new Properties();
        try (InputStream in = BuildInfo.class.getResourceAsStream("build.properties")) {
            if (in != null) {
                properties.load(in);
            }
        } catch (IOException unreadable) {
            throw new java.io.UncheckedIOException(unreadable);
        }
        return new BuildInfo(
                properties.getProperty("version", "unknown"),
                properties.getProperty("gitRevision", "unknown"),
                "Java " + System.getProperty("java.version"),
                istioVersion);
    }

    @Override
    public String name() {
        return "version";
    }

    @Override
    public void write(JsonGenerator json) throws IOException {
        json.writeStartObject();
        json.writeStringField("buildProfile", "release");
        json.writeStringField("buildStatus", "Clean");
        json.writeStringField("cryptoProvider", CRYPTO);
        json.writeStringField("gitRevision", gitRevision);
        json.writeStringField("istioVersion", istioVersion);
        json.writeStringField("rustVersion", javaVersion);
        json.writeStringField("version", version);
        json.writeEndObject();
    }

    @Override
    public String toString() {
        return "version.BuildInfo{Version:\""
                + version
                + "\", GitRevision:\""
                + gitRevision
                + "\", RustVersion:\""
                + javaVersion
                + "\", BuildProfile:\"release\", BuildStatus:\"Clean\", IstioVersion:\""
                + istioVersion
                + "\", CryptoProvider:\""
                + CRYPTO
                + "\"}";
    }
}
