package io.ztunnel.hbone;

/// A listener that writes down how an opening went.
final class Opened implements OpenListener {

    TunnelStream stream;
    Recorder received;
    OpenFailure failure;

    @Override
    public void onOpen(TunnelStream opened) {
        stream = opened;
        received = Recorder.on(opened);
    }

    @Override
    public void onFailure(OpenFailure why) {
        failure = why;
    }
}
