package io.ztunnel.hbone.h2;

/// Identifiers and bounds of SETTINGS parameters (RFC 9113 section 6.5.2).
public final class Setting {

    public static final int HEADER_TABLE_SIZE = 0x1;
    public static final int ENABLE_PUSH = 0x2;
    public static final int MAX_CONCURRENT_STREAMS = 0x3;
    public static final int INITIAL_WINDOW_SIZE = 0x4;
    public static final int MAX_FRAME_SIZE = 0x5;
    public static final int MAX_HEADER_LIST_SIZE = 0x6;

    /// Flow-control window of a connection and of each stream until somebody says otherwise,
    /// bytes.
    public static final int DEFAULT_WINDOW = 65_535;

    public static final int DEFAULT_MAX_FRAME = 16_384;
    public static final int LARGEST_MAX_FRAME = (1 << 24) - 1;
    public static final int DEFAULT_HEADER_TABLE = 4_096;

    private Setting() {}
}
