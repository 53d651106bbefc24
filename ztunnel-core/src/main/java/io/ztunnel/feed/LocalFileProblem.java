package io.ztunnel.feed;

/// Why a local file was refused, and where: `<file>:<line>: <key>: <what>`. Nothing of a refused
/// file is used.
public final class LocalFileProblem extends Exception {
    private static final long serialVersionUID = 1L;

    private final int line;
    private final String key;

    /// @param line counted from 1
    /// @param key the path of keys to the place, such as `workloads[0].protocol`; empty for the
    ///     file as a whole
    LocalFileProblem(String file, int line, String key, String what) {
        super(file + ":" + line + ": " + (key.isEmpty() ? "" : key + ": ") + what);
        this.line = line;
        this.key = key;
    }

    public int line() {
        return line;
    }

    public String key() {
        return key;
    }
}
