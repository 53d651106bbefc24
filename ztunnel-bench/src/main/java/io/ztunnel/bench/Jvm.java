package io.ztunnel.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// The words that start a class of ours in another process of the same JDK.
final class Jvm {
    private Jvm() {}

    static List<String> words(String heap, Class<?> main, String... arguments) {
        List<String> words = new ArrayList<>();
        words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        words.addAll(List.of("-XX:+UseSerialGC", "-Xms" + heap, "-Xmx" + heap));
        words.addAll(List.of("--enable-native-access=ALL-UNNAMED"));
        words.addAll(List.of("--sun-misc-unsafe-memory-access=allow"));
        words.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        words.addAll(List.of(arguments));
        return words;
    }
}
