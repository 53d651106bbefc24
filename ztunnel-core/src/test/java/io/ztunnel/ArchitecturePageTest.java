package io.ztunnel;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The pages about the structure name only what exists.
class ArchitecturePageTest {
    private static final Path ROOT = Path.of("..");
    private static final Pattern TYPE = Pattern.compile("`([A-Z][A-Za-z0-9]+)`");

    @Test
    void everyTypeOnTheArchitecturePageExists() throws IOException {
        assertThat(existing()).containsAll(namedIn("docs/ARCHITECTURE.md"));
    }

    @Test
    void everyTypeOnTheThreadsPageExists() throws IOException {
        assertThat(existing()).containsAll(namedIn("docs/THREADS.md"));
    }

    private static Set<String> namedIn(String page) throws IOException {
        Matcher names = TYPE.matcher(Files.readString(ROOT.resolve(page)));
        Set<String> found = new TreeSet<>();
        while (names.find()) {
            found.add(names.group(1));
        }
        assertThat(found).as("types named in " + page).isNotEmpty();
        return found;
    }

    private static Set<String> existing() throws IOException {
        try (Stream<Path> files = Files.walk(ROOT)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".java"))
                    .map(name -> name.substring(0, name.length() - ".java".length()))
                    .collect(Collectors.toSet());
        }
    }
}
