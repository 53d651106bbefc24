package io.ztunnel;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The arrows between the packages of this module go down (docs/ARCHITECTURE.md).
class PackageArrowsTest {
    /// Package to the packages it may use; leaves are the other modules.
    private static final Map<String, Set<String>> MAY_USE =
            Map.ofEntries(
                    Map.entry("mesh", Set.of("mesh.persistent")),
                    Map.entry("mesh.persistent", Set.of()),
                    Map.entry("lifecycle", Set.of()),
                    Map.entry("route", Set.of("mesh")),
                    Map.entry("policy", Set.of("mesh", "mesh.persistent")),
                    Map.entry("net.linux", Set.of()),
                    Map.entry("net", Set.of("net.linux")),
                    Map.entry("identity", Set.of("mesh", "ca")),
                    Map.entry("tls", Set.of("mesh", "identity")),
                    Map.entry("relay", Set.of("hbone")),
                    Map.entry("observe", Set.of("mesh", "route", "relay")),
                    Map.entry(
                            "worker",
                            Set.of(
                                    "mesh",
                                    "policy",
                                    "net",
                                    "observe",
                                    "relay",
                                    "lifecycle",
                                    "hbone")),
                    Map.entry(
                            "outbound",
                            Set.of(
                                    "mesh",
                                    "route",
                                    "net",
                                    "tls",
                                    "identity",
                                    "relay",
                                    "observe",
                                    "worker",
                                    "lifecycle",
                                    "hbone")),
                    Map.entry(
                            "inbound",
                            Set.of(
                                    "mesh",
                                    "route",
                                    "policy",
                                    "net",
                                    "tls",
                                    "identity",
                                    "relay",
                                    "observe",
                                    "worker",
                                    "lifecycle",
                                    "hbone")),
                    Map.entry("dns", Set.of("worker", "mesh", "net", "observe")),
                    Map.entry("socks", Set.of("mesh", "relay", "observe", "worker", "outbound")),
                    Map.entry(
                            "pod",
                            Set.of(
                                    "mesh",
                                    "route",
                                    "policy",
                                    "net",
                                    "tls",
                                    "identity",
                                    "relay",
                                    "observe",
                                    "worker",
                                    "lifecycle",
                                    "hbone",
                                    "outbound",
                                    "inbound",
                                    "socks",
                                    "dns")),
                    Map.entry(
                            "inpod",
                            Set.of("observe", "pod", "worker", "net", "net.linux", "lifecycle")),
                    Map.entry("feed", Set.of("mesh", "policy", "lifecycle", "worker", "xds")),
                    Map.entry("admin", Set.of("worker", "observe", "mesh", "lifecycle")));

    private static final Path CLASSES = Path.of("target/classes/io/ztunnel");
    private static final Pattern OURS = Pattern.compile("io/ztunnel/((?:[a-z0-9]+/)*)[A-Z]");

    @Test
    void importsGoDown() throws IOException {
        Set<String> violations = new TreeSet<>();
        try (Stream<Path> files = Files.walk(CLASSES)) {
            for (Path file : files.filter(name -> name.toString().endsWith(".class")).toList()) {
                String from = packageOf(file);
                // The root package and config wire everything together; generated messages are
                // facts.
                if (from.isEmpty() || from.equals("config") || from.endsWith("proto")) {
                    continue;
                }
                assertThat(MAY_USE).as("a package without a row here").containsKey(from);
                for (String used : packagesUsedBy(ClassFile.of().parse(file))) {
                    boolean own = used.equals(from) || used.startsWith(from + ".proto");
                    if (!own && MAY_USE.get(from).stream().noneMatch(to -> leadsTo(to, used))) {
                        violations.add(from + " uses " + used);
                    }
                }
            }
        }
        assertThat(violations).isEmpty();
    }

    @Test
    void everyPackageStatesItsRoom() throws IOException {
        Path sources = Path.of("src/main/java/io/ztunnel");
        try (Stream<Path> folders = Files.walk(sources).filter(Files::isDirectory)) {
            for (Path folder : folders.toList()) {
                boolean holdsTypes;
                try (Stream<Path> inside = Files.list(folder)) {
                    holdsTypes = inside.anyMatch(file -> file.toString().endsWith(".java"));
                }
                if (holdsTypes) {
                    assertThat(folder.resolve("package-info.java")).exists();
                }
            }
        }
    }

    private static boolean leadsTo(String allowed, String used) {
        // A leaf module brings its own inner packages along; a package of this module does not.
        boolean leaf = Set.of("hbone", "xds", "ca").contains(allowed);
        return used.equals(allowed) || (leaf && used.startsWith(allowed + "."));
    }

    private static Set<String> packagesUsedBy(ClassModel type) {
        Set<String> used = new TreeSet<>();
        for (PoolEntry entry : type.constantPool()) {
            // All text, because a type that is only a generic argument appears nowhere else.
            if (entry instanceof Utf8Entry text) {
                Matcher names = OURS.matcher(text.stringValue());
                while (names.find()) {
                    used.add(trimmed(names.group(1)).replace('/', '.'));
                }
            }
        }
        used.remove("");
        return used;
    }

    private static String packageOf(Path file) {
        return CLASSES.relativize(file).getNameCount() == 1
                ? ""
                : CLASSES.relativize(file).getParent().toString().replace('/', '.');
    }

    private static String trimmed(String path) {
        return path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
    }
}
