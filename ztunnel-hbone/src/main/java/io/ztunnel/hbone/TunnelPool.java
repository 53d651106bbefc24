package io.ztunnel.hbone;

import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;

/// Shares client tunnels among streams with the same key (`docs/spec/dataplane.md` 6).
///
/// Confined to one event loop, so nothing is locked: while a dial is under way, openings of its
/// key wait in a line and share its outcome. A tunnel takes new streams whenever it has room,
/// also after it was full. `equals` of the key decides; two keys never share a tunnel.
public final class TunnelPool<K> {

    /// How much a pool holds at a moment.
    public record Stats(int keys, int tunnels, int streams, int waiting, int dialing) {}

    /// More than one of a peer's tunnels may be about to say GOAWAY when a peer restarts.
    static final int MOST_TRIES = 4;

    private final EventLoop loop;
    private final TunnelSettings settings;
    private final ReceiveBudget.Share share;
    private final TunnelOpener<K> opener;
    private final Map<K, Site> sites = new HashMap<>();
    private boolean closed;

    public TunnelPool(EventLoop loop, TunnelSettings settings, TunnelOpener<K> opener) {
        this(loop, settings, ReceiveBudget.unlimited(), opener);
    }

    /// @param share where unread bytes are accounted; of the same loop
    public TunnelPool(
            EventLoop loop,
            TunnelSettings settings,
            ReceiveBudget.Share share,
            TunnelOpener<K> opener) {
        this.loop = loop;
        this.settings = settings;
        this.share = share;
        this.opener = opener;
    }

    /// Opens a stream on a tunnel that has room, or on a new one. An opening that the peer
    /// provably did not process is tried again on another tunnel, up to [#MOST_TRIES] times in all.
    /// The listener may be told before this method returns.
    public Opening open(K key, ConnectRequest request, OpenListener listener) {
        assert loop.inEventLoop();
        if (closed) {
            listener.onFailure(new OpenFailure.TunnelLost(TunnelClosed.us("pool is closed"), true));
            return PendingAnswer.NOTHING;
        }
        Attempt attempt = new Attempt(sites.computeIfAbsent(key, Site::new), request, listener);
        attempt.site.place(attempt);
        return attempt;
    }

    /// Says GOAWAY on every tunnel and closes it; streams and openings fail. Idempotent.
    public void close() {
        assert loop.inEventLoop();
        if (closed) {
            return;
        }
        closed = true;
        TunnelClosed cause = TunnelClosed.us("pool is closed");
        for (Site site : List.copyOf(sites.values())) {
            for (ClientConnection tunnel : List.copyOf(site.tunnels)) {
                tunnel.close(cause);
            }
            site.failWaiting(new OpenFailure.TunnelLost(cause, true));
        }
        sites.clear();
    }

    /// Visits every tunnel that is not closed, those that drain included. The action may close
    /// it.
    public void forEachTunnel(BiConsumer<? super K, ? super Tunnel> action) {
        assert loop.inEventLoop();
        for (Site site : List.copyOf(sites.values())) {
            for (ClientConnection tunnel : List.copyOf(site.tunnels)) {
                action.accept(site.key, tunnel);
            }
        }
    }

    public Stats stats() {
        assert loop.inEventLoop();
        int tunnels = 0;
        int streams = 0;
        int waiting = 0;
        int dialing = 0;
        for (Site site : sites.values()) {
            tunnels += site.tunnels.size();
            for (ClientConnection tunnel : site.tunnels) {
                streams += tunnel.openStreams();
            }
            waiting += site.waiting.size();
            dialing += site.dialing;
        }
        return new Stats(sites.size(), tunnels, streams, waiting, dialing);
    }

    /// All that belongs to one key.
    private final class Site implements ClientConnection.Keeper {
        final K key;
        final List<ClientConnection> tunnels = new ArrayList<>(1);
        final ArrayDeque<Attempt> waiting = new ArrayDeque<>(2);
        int dialing;

        Site(K key) {
            this.key = key;
        }

        void place(Attempt attempt) {
            ClientConnection tunnel = roomFor(attempt);
            if (tunnel != null) {
                attempt.start(tunnel);
                return;
            }
            waiting.add(attempt);
            dialForWaiting();
        }

        /// The first with room: later ones then run empty and are released.
        private @Nullable ClientConnection roomFor(Attempt attempt) {
            for (ClientConnection tunnel : tunnels) {
                if (tunnel != attempt.avoided
                        && tunnel.isUsable()
                        && tunnel.openStreams() < tunnel.limit()
                        && !(once() && tunnel.hasServed())) {
                    return tunnel;
                }
            }
            return null;
        }

        /// As many dials as full tunnels are missing, not as many as streams.
        private void dialForWaiting() {
            int perTunnel = settings.streamsPerTunnel();
            while (!closed && (long) dialing * perTunnel < waiting.size()) {
                dialing++;
                Promise<Channel> secured = loop.newPromise();
                secured.addListener((Future<Channel> dial) -> dialed(dial));
                try {
                    opener.open(key, secured);
                } catch (RuntimeException failing) {
                    secured.tryFailure(failing);
                }
            }
        }

        private void dialed(Future<Channel> dial) {
            dialing--;
            if (!dial.isSuccess()) {
                if (dialing == 0) {
                    failWaiting(new OpenFailure.CouldNotConnect(dial.cause()));
                }
                removeIfEmpty();
                return;
            }
            Channel channel = dial.getNow();
            if (closed || !channel.isActive()) {
                channel.close();
                if (dialing == 0) {
                    failWaiting(new OpenFailure.TunnelLost(null, true));
                }
                removeIfEmpty();
                return;
            }
            ClientConnection tunnel = new ClientConnection(settings, share, this);
            tunnels.add(tunnel);
            channel.pipeline().addLast(tunnel);
            serveWaiting();
            tunnel.send();
            dialForWaiting();
        }

        private void serveWaiting() {
            for (int left = waiting.size(); left > 0 && !waiting.isEmpty(); left--) {
                Attempt attempt = waiting.poll();
                ClientConnection tunnel = roomFor(attempt);
                if (tunnel == null) {
                    waiting.add(attempt);
                } else {
                    attempt.start(tunnel);
                }
            }
        }

        void failWaiting(OpenFailure failure) {
            List<Attempt> failed = List.copyOf(waiting);
            waiting.clear();
            for (Attempt attempt : failed) {
                attempt.fail(failure);
            }
        }

        @Override
        public void onChange(ClientConnection tunnel) {
            if (tunnel.isClosed()) {
                tunnels.remove(tunnel);
                removeIfEmpty();
            } else if (once() && tunnel.hasServed() && tunnel.openStreams() == 0) {
                tunnel.drain();
            } else if (!waiting.isEmpty()) {
                serveWaiting();
            }
        }

        /// One stream for each tunnel is how operators switch pooling off (row 111): such a tunnel
        /// ends with its stream.
        private boolean once() {
            return settings.streamsPerTunnel() == 1;
        }

        void removeIfEmpty() {
            if (tunnels.isEmpty() && waiting.isEmpty() && dialing == 0) {
                sites.remove(key, this);
            }
        }
    }

    /// One opening on its way: waiting for a tunnel, or for the answer of the peer.
    private final class Attempt implements Opening, OpenListener {
        Site site;
        private final ConnectRequest request;
        private final OpenListener listener;
        @Nullable ClientConnection avoided;
        private @Nullable ClientConnection tunnel;
        private @Nullable Opening opening;
        private int tries = 1;
        private boolean done;

        Attempt(Site site, ConnectRequest request, OpenListener listener) {
            this.site = site;
            this.request = request;
            this.listener = listener;
        }

        void start(ClientConnection chosen) {
            tunnel = chosen;
            Opening begun = chosen.open(request, this);
            if (!done && tunnel == chosen) {
                opening = begun;
            }
        }

        @Override
        public void onOpen(TunnelStream stream) {
            done = true;
            listener.onOpen(stream);
        }

        @Override
        public void onFailure(OpenFailure failure) {
            if (!failure.retryable() || tries == MOST_TRIES || closed) {
                fail(failure);
                return;
            }
            tries++;
            avoided = tunnel;
            tunnel = null;
            opening = null;
            // The site may have left meanwhile, with its last tunnel.
            site = sites.computeIfAbsent(site.key, Site::new);
            site.place(this);
        }

        void fail(OpenFailure failure) {
            if (!done) {
                done = true;
                listener.onFailure(failure);
            }
        }

        @Override
        public void cancel() {
            if (done) {
                return;
            }
            done = true;
            site.waiting.remove(this);
            site.removeIfEmpty();
            if (opening != null) {
                opening.cancel();
            }
        }
    }
}
