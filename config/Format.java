import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.JavaFormatterOptions;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/// Formats every Java source of the house, or says which ones are not formatted.
///
/// Run by the root pom at `validate`: `check` fails the build and names the files, `write` mends
// them.
/// A program and not a plugin, because the formatter needs the JDK of the toolchain and Maven may
// run on an older one.
public final class Format {
    public static void main(String[] args) throws Exception {
        boolean write = args.length > 0 && args[0].equals("write");
        Formatter formatter =
                new Formatter(
                        JavaFormatterOptions.builder()
                                .style(JavaFormatterOptions.Style.AOSP)
                                .formatJavadoc(false)
                                .build());
        List<Path> sources;
        try (Stream<Path> files = Files.walk(Path.of("."))) {
            sources =
                    files.filter(file -> file.toString().endsWith(".java"))
                            .filter(file -> !file.toString().contains("/target/"))
                            .filter(file -> !file.toString().contains("/."))
                            .sorted()
                            .toList();
        }
        List<Path> off =
                sources.parallelStream()
                        .filter(file -> !isFormatted(formatter, file, write))
                        .toList();
        if (!off.isEmpty() && !write) {
            off.forEach(file -> System.err.println("not formatted: " + file));
            System.err.println("Run: mvn -N validate -Dformat.mode=write");
            System.exit(1);
        }
        System.out.println(
                (write ? "formatted " + off.size() + " of " : "all formatted: ")
                        + sources.size()
                        + " files");
    }

    private static boolean isFormatted(Formatter formatter, Path file, boolean write) {
        try {
            String text = Files.readString(file);
            List<String> wide =
                    text.lines()
                            .filter(line -> line.length() > 100 && line.strip().startsWith("///"))
                            .toList();
            if (!wide.isEmpty()) {
                // The formatter would break such a line into two comments of different kinds.
                System.err.println(file + ": longer than 100 columns: " + wide.getFirst().strip());
                System.exit(1);
            }
            String formatted = formatter.formatSourceAndFixImports(text);
            if (write && !formatted.equals(text)) {
                Files.writeString(file, formatted);
            }
            return formatted.equals(text);
        } catch (IOException | com.google.googlejavaformat.java.FormatterException problem) {
            throw new IllegalStateException("cannot format " + file, problem);
        }
    }
}
