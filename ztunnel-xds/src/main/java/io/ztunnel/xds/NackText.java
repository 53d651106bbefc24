package io.ztunnel.xds;

import java.util.List;

/// The text of a NACK: enough to find the cause, never as large as the response it refuses.
final class NackText {
    private static final int MOST_NAMED = 20;
    private static final int LONGEST_PART = 300;

    private NackText() {}

    /// `<name>: <reason>` joined by `; `, at most 20 of them, then how many more there are.
    static String of(List<Rejection> rejections) {
        StringBuilder text = new StringBuilder();
        for (Rejection rejection : rejections.subList(0, Math.min(rejections.size(), MOST_NAMED))) {
            text.append(text.isEmpty() ? "" : "; ")
                    .append(shortened(rejection.name()))
                    .append(": ")
                    .append(shortened(rejection.reason()));
        }
        int left = rejections.size() - MOST_NAMED;
        return left <= 0 ? text.toString() : text + "; and " + left + " more";
    }

    private static String shortened(String part) {
        if (part.length() <= LONGEST_PART) {
            return part;
        }
        // Half of a surrogate pair would not be legal UTF-8 in the request.
        int end =
                Character.isHighSurrogate(part.charAt(LONGEST_PART - 1))
                        ? LONGEST_PART - 1
                        : LONGEST_PART;
        return part.substring(0, end) + "...";
    }
}
