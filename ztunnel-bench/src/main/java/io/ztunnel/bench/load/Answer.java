package io.ztunnel.bench.load;

/// One line from a program in a pod to the benchmark: `ok` and named numbers, or `fail` and why.
final class Answer {
    private final StringBuilder text = new StringBuilder("ok");

    private Answer() {}

    static Answer ok() {
        return new Answer();
    }

    static String fail(Throwable why) {
        return "fail " + String.valueOf(why).replaceAll("\\s+", " ");
    }

    Answer with(String name, double value) {
        text.append(' ').append(name).append('=').append(value);
        return this;
    }

    Answer with(String name, long value) {
        text.append(' ').append(name).append('=').append(value);
        return this;
    }

    String line() {
        return text.toString();
    }
}
