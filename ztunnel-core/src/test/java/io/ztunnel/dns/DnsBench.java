package io.ztunnel.dns;

import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.ztunnel.mesh.Changes;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.net.Dialer;
import io.ztunnel.net.ListenerSettings;
import io.ztunnel.net.ListenerSettings.PortSharing;
import io.ztunnel.net.ListenerSettings.Transparent;
import io.ztunnel.net.Netns;
import io.ztunnel.net.Retirement;
import io.ztunnel.net.SocketSettings;
import io.ztunnel.observe.ObserverKit;
import io.ztunnel.policy.CompiledPolicies;
import io.ztunnel.worker.PodInfo;
import io.ztunnel.worker.PodUid;
import io.ztunnel.worker.Publication;
import io.ztunnel.worker.SliceId;
import io.ztunnel.worker.TestWorker;
import io.ztunnel.worker.WorkerBudget;
import io.ztunnel.worker.WorkerMailbox;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/// The DNS listener of one pod on a worker of its own, on ports of this machine's loopback.
final class DnsBench implements AutoCloseable {
    static final InetAddress LOOPBACK = InetAddress.ofLiteral("127.0.0.1");
    private static final PodInfo CLIENT = new PodInfo("client", "ns1", "client-sa");
    private static final SliceId SLICE = new SliceId(new PodUid("uid"), 1);

    final ObserverKit told = new ObserverKit();
    private final MultiThreadIoEventLoopGroup group =
            new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final WorkerMailbox mailbox;
    private final List<DnsListener> listener = new ArrayList<>();

    DnsBench(DnsSettings settings, long queries) {
        mailbox =
                new WorkerMailbox(
                        TestWorker.on(
                                group.next(),
                                told.observer(),
                                new WorkerBudget.Limits(1 << 20, 1 << 20, 1 << 30, queries)));
        mailbox.openSlice(
                        SLICE,
                        CLIENT,
                        slice -> {
                            DnsListener made =
                                    new DnsListener(
                                            slice,
                                            settings,
                                            new ListenerSettings(
                                                    PortSharing.ALONE,
                                                    Transparent.OFF,
                                                    ListenerSettings.DEFAULT_BACKLOG,
                                                    false,
                                                    SocketSettings.DEFAULTS),
                                            Netns.own(),
                                            new Dialer(
                                                    slice.worker().loop(),
                                                    Netns.own(),
                                                    SocketSettings.DEFAULTS),
                                            0,
                                            () -> Retirement.plan(Netns.own(), 1, 1));
                            listener.add(made);
                            return made.open();
                        })
                .orTimeout(10, TimeUnit.SECONDS)
                .join();
    }

    static DnsSettings settings(DnsSettings.Names names, InetSocketAddress... servers) {
        return new DnsSettings(
                List.of(new InetSocketAddress(LOOPBACK, 0)),
                names,
                List.of(servers),
                Duration.ofMillis(400),
                2);
    }

    static DnsSettings.Names names() {
        return new DnsSettings.Names("cluster.local", "preferred-ns", true, null);
    }

    void publish(MeshSnapshot mesh) {
        mailbox.onMesh(new Publication(mesh, CompiledPolicies.none(), Changes.NONE));
        mailbox.ask(worker -> worker.mesh()).join();
    }

    InetSocketAddress udp() {
        return listener.getFirst().boundDatagrams().getFirst();
    }

    InetSocketAddress tcp() {
        return listener.getFirst().boundStreams().getFirst();
    }

    DnsClient.Said ask(Answering.Transport transport, byte[] query) throws Exception {
        return transport == Answering.Transport.UDP
                ? DnsClient.overUdp(udp(), query)
                : DnsClient.overTcp(tcp(), query);
    }

    /// Completes when nothing is left.
    CompletableFuture<Void> drain(Duration within) {
        return mailbox.drainSlice(SLICE, within);
    }

    @Override
    public void close() {
        drain(Duration.ZERO).orTimeout(10, TimeUnit.SECONDS).join();
        group.shutdownGracefully(0, 2, TimeUnit.SECONDS).syncUninterruptibly();
    }
}
