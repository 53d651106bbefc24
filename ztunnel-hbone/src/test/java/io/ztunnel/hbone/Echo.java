package io.ztunnel.hbone;

import io.netty.buffer.ByteBuf;

import java.util.ArrayList;
import java.util.List;

/// A handler that accepts everything and sends back what comes.
class Echo implements ConnectHandler {

    final List<TunnelStream> streams = new ArrayList<>();
    final List<IncomingConnect> requests = new ArrayList<>();
    boolean closed;
    Throwable cause;

    @Override
    public void onConnect(IncomingConnect connect) {
        requests.add(connect);
        TunnelStream stream = connect.accept("k8s.cluster.name=Kubernetes");
        streams.add(stream);
        stream.receiver(
                new StreamReceiver() {
                    @Override
                    public void onData(ByteBuf data) {
                        int size = data.readableBytes();
                        stream.write(data);
                        stream.consumed(size);
                    }

                    @Override
                    public void onReadComplete() {
                        stream.flush();
                    }

                    @Override
                    public void onEnd() {
                        stream.finish();
                    }

                    @Override
                    public void onReset(StreamFailure failure) {}

                    @Override
                    public void onWritable() {}
                });
    }

    @Override
    public void onTunnelClosed(Throwable why) {
        closed = true;
        cause = why;
    }
}
