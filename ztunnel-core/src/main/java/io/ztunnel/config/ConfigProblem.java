package io.ztunnel.config;

/// One thing that is wrong, or looks wrong, with what was asked for.
public record ConfigProblem(String message) {

    static ConfigProblem variable(String name, String value, String reason) {
        return new ConfigProblem("invalid env var " + name + "=" + value + " (" + reason + ")");
    }

    @Override
    public String toString() {
        return message;
    }
}
