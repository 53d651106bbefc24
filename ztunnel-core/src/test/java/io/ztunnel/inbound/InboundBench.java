package io.ztunnel.inbound;

import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.ztunnel.hbone.IncomingConnect;
import io.ztunnel.hbone.StreamReceiver;
import io.ztunnel.hbone.Tunnel;
import io.ztunnel.hbone.TunnelSettings;
import io.ztunnel.hbone.TunnelStream;
import io.ztunnel.mesh.MeshDelta;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.net.Dialer;
import io.ztunnel.net.Netns;
import io.ztunnel.net.SocketSettings;
import io.ztunnel.observe.ObserverKit;
import io.ztunnel.policy.CompiledPolicies;
import io.ztunnel.policy.PolicyJudge;
import io.ztunnel.policy.UnknownPolicies;
import io.ztunnel.route.InboundRouter;
import io.ztunnel.route.RouteSettings;
import io.ztunnel.worker.PodInfo;
import io.ztunnel.worker.PodSlice;
import io.ztunnel.worker.PodUid;
import io.ztunnel.worker.Publication;
import io.ztunnel.worker.SliceId;
import io.ztunnel.worker.TestWorker;
import io.ztunnel.worker.WorkerMailbox;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/// The inbound stages of one pod on one loop, with an application on a loopback address and streams
/// that a test plays.
final class InboundBench implements AutoCloseable {
    static final String POD = "127.88.0.2";

    final ObserverKit told = new ObserverKit();
    private final MultiThreadIoEventLoopGroup group =
            new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final EventLoop loop = group.next();
    private final WorkerMailbox worker = new WorkerMailbox(TestWorker.on(loop, told.observer()));
    private final SliceId slice = new SliceId(new PodUid("server"), 1);
    private final ServerSocket application;
    private final String network;
    private Inbound stage;
    private MeshSnapshot mesh = MeshSnapshot.empty();
    private CompiledPolicies policies = CompiledPolicies.none();

    InboundBench(boolean baggage, UnknownPolicies unknown) throws Exception {
        this("", baggage, unknown);
    }

    InboundBench(String network, boolean baggage, UnknownPolicies unknown) throws Exception {
        this.network = network;
        application = new ServerSocket(0, 50, InetAddress.getByName(POD));
        worker.openSlice(
                        slice,
                        new PodInfo("server", "ns", "server-sa"),
                        opened -> {
                            stage = stage(opened, baggage, unknown);
                            opened.onEachMesh(new PolicyRecheck(opened));
                            return CompletableFuture.completedFuture(null);
                        })
                .get(10, TimeUnit.SECONDS);
    }

    private Inbound stage(PodSlice opened, boolean baggage, UnknownPolicies unknown) {
        return new Inbound(
                opened,
                new InboundSettings(network, Set.of(15001, 15006, 15008), false, baggage, false),
                new InboundRouter(RouteSettings.defaults()),
                new PolicyJudge(unknown),
                new Dialer(loop, Netns.own(), SocketSettings.DEFAULTS),
                null,
                null,
                TunnelSettings.defaults());
    }

    int port() {
        return application.getLocalPort();
    }

    /// Publishes a change, as the mesh writer would.
    void edit(Consumer<MeshDelta> change) throws Exception {
        MeshDelta delta = new MeshDelta(mesh, "");
        change.accept(delta);
        mesh = delta.apply();
        policies = policies.next(mesh, delta.changes());
        worker.onMesh(new Publication(mesh, policies, delta.changes()));
        settle();
    }

    void settle() throws Exception {
        loop.submit(() -> {}).get(10, TimeUnit.SECONDS);
    }

    /// A CONNECT to the application, answered when this returns.
    Asked ask(String peer, String identity, Map<String, String> headers) throws Exception {
        return ask("CONNECT", peer, identity, headers);
    }

    Asked ask(String method, String peer, String identity, Map<String, String> headers)
            throws Exception {
        Asked asked = new Asked(method, POD + ":" + port(), headers);
        InboundPeer from =
                new InboundPeer(
                        new InetSocketAddress(peer, 1234),
                        new InetSocketAddress(POD, 15008),
                        SpiffeId.parse(identity));
        loop.execute(() -> new TunnelRequests(stage, from).onConnect(asked));
        asked.answer.get(20, TimeUnit.SECONDS);
        settle();
        return asked;
    }

    int openConnections() throws Exception {
        return worker.connections().get(10, TimeUnit.SECONDS).stream()
                .mapToInt(pod -> pod.inbound().size())
                .sum();
    }

    void drain() {
        worker.drainSlice(slice, Duration.ZERO).orTimeout(10, TimeUnit.SECONDS).join();
    }

    @Override
    public void close() throws IOException {
        drain();
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
        application.close();
    }

    /// A request that remembers its answer; its stream carries nothing.
    static final class Asked implements IncomingConnect, TunnelStream {
        final CompletableFuture<Integer> answer = new CompletableFuture<>();
        volatile String baggage;
        volatile boolean reset;
        private final String method;
        private final String authority;
        private final Map<String, String> headers;
        private final Tunnel tunnel = new NoTunnel();

        Asked(String method, String authority, Map<String, String> headers) {
            this.method = method;
            this.authority = authority;
            this.headers = headers;
        }

        int status() {
            return answer.join();
        }

        @Override
        public String method() {
            return method;
        }

        @Override
        public String authority() {
            return authority;
        }

        @Override
        public String first(String name) {
            return headers.get(name);
        }

        @Override
        public String joined(String name) {
            return headers.get(name);
        }

        @Override
        public TunnelStream accept(String ours) {
            baggage = ours;
            answer.complete(200);
            return this;
        }

        @Override
        public void refuse(int status) {
            answer.complete(status);
        }

        @Override
        public void onAbandoned(Runnable action) {}

        @Override
        public Tunnel tunnel() {
            return tunnel;
        }

        @Override
        public void receiver(StreamReceiver receiver) {}

        @Override
        public boolean isWritable() {
            return true;
        }

        @Override
        public void write(io.netty.buffer.ByteBuf data) {
            data.release();
        }

        @Override
        public void flush() {}

        @Override
        public void finish() {}

        @Override
        public void reset(long errorCode) {
            reset = true;
        }

        @Override
        public void consumed(int bytes) {}

        @Override
        public boolean inputFinished() {
            return reset;
        }

        @Override
        public boolean outputFinished() {
            return reset;
        }

        @Override
        public String responseBaggage() {
            return null;
        }

        @Override
        public int id() {
            return 1;
        }
    }

    /// Keeps what is attached and is good for nothing else.
    private static final class NoTunnel implements Tunnel {
        private Object attached;

        @Override
        public Channel channel() {
            return new EmbeddedChannel();
        }

        @Override
        public int openStreams() {
            return 1;
        }

        @Override
        public void attach(Object attachment) {
            attached = attachment;
        }

        @Override
        public <T> T attachment(Class<T> type) {
            return type.isInstance(attached) ? type.cast(attached) : null;
        }

        @Override
        public boolean isUsable() {
            return true;
        }

        @Override
        public void drain() {}

        @Override
        public void close(Throwable cause) {}
    }
}
