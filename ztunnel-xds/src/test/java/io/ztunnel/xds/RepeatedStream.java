package io.ztunnel.xds;

import io.grpc.KnownLength;

import java.io.InputStream;

/// The same bytes again and again, resettable to the start: a message of any size without the
/// memory for it.
final class RepeatedStream extends InputStream implements KnownLength {
    private final byte[] one;
    private final long size;
    private long position;

    RepeatedStream(byte[] one, int times) {
        this.one = one;
        this.size = (long) one.length * times;
    }

    /// How far it was read.
    long position() {
        return position;
    }

    @Override
    public int available() {
        return (int) (size - position);
    }

    @Override
    public int read() {
        return position == size ? -1 : one[(int) (position++ % one.length)] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) {
        if (position == size) {
            return -1;
        }
        int start = (int) (position % one.length);
        int count = Math.min(length, one.length - start);
        System.arraycopy(one, start, into, offset, count);
        position += count;
        return count;
    }

    @Override
    public boolean markSupported() {
        return true;
    }

    @Override
    public void mark(int readLimit) {}

    @Override
    public void reset() {
        position = 0;
    }
}
