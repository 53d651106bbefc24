package io.ztunnel.hbone;

import io.netty.buffer.ByteBuf;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// A receiver that writes down what it hears.
class Recorder implements StreamReceiver {

    final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    final List<String> events = new ArrayList<>();
    final TunnelStream stream;
    boolean consumes = true;
    StreamFailure failure;

    Recorder(TunnelStream stream) {
        this.stream = stream;
    }

    static Recorder on(TunnelStream stream) {
        Recorder recorder = new Recorder(stream);
        stream.receiver(recorder);
        return recorder;
    }

    String text() {
        return bytes.toString(StandardCharsets.ISO_8859_1);
    }

    @Override
    public void onData(ByteBuf data) {
        int size = data.readableBytes();
        byte[] copy = new byte[size];
        data.readBytes(copy);
        data.release();
        bytes.writeBytes(copy);
        events.add("data");
        if (consumes) {
            stream.consumed(size);
        }
    }

    @Override
    public void onReadComplete() {
        events.add("complete");
    }

    @Override
    public void onEnd() {
        events.add("end");
    }

    @Override
    public void onReset(StreamFailure why) {
        failure = why;
        events.add("reset");
    }

    @Override
    public void onWritable() {
        events.add("writable");
    }
}
