package io.ztunnel.demo;

import java.io.Console;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/// Tells the story on the terminal, in colour where there is one.
final class Narrator {
    private final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    private final boolean colour = isTerminal() && System.getenv("NO_COLOR") == null;
    private int chapters;
    private int checks;
    private volatile boolean silent;

    void title(String text, String subtitle) {
        print("");
        print(bold(text));
        print(dim(subtitle));
    }

    void chapter(String text) {
        print("");
        print(bold(colour("36", ++chapters + ". " + text)));
    }

    /// A sentence for the reader.
    void say(String text) {
        print("   " + text);
    }

    /// Something shown as it is: a command, a packet, a log line.
    void show(String text) {
        text.lines().forEach(line -> print("     " + dim("│ ") + line));
    }

    /// Goes on only when the claim is true.
    ///
    /// @param evidence shown when it is not
    /// @throws StoryFailed when it is not
    void check(boolean held, String claim, String evidence) {
        if (!held) {
            print("   " + colour("31", "✗ " + claim));
            throw new StoryFailed(claim, evidence);
        }
        checks++;
        print("   " + colour("32", "✓ ") + claim);
    }

    int checks() {
        return checks;
    }

    /// Nothing is told any more, for example because the listener left.
    void fallSilent() {
        silent = true;
    }

    private String bold(String text) {
        return colour("1", text);
    }

    private String dim(String text) {
        return colour("2", text);
    }

    private String colour(String code, String text) {
        return colour ? "\u001b[" + code + "m" + text + "\u001b[0m" : text;
    }

    private static boolean isTerminal() {
        // Without one it is null or says so, depending on the JDK.
        return Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
    }

    private void print(String line) {
        if (!silent) {
            out.println(line);
        }
    }
}
