package io.ztunnel.relay;

/// Counts payload as the writing side accepts it. Called for each read, on the connection's loop.
public interface ByteMeter {

    void clientToServer(long bytes);

    void serverToClient(long bytes);
}
