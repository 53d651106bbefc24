package io.ztunnel.dns;

import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.ztunnel.net.Dialer;
import io.ztunnel.net.Listener;
import io.ztunnel.net.ListenerSettings;
import io.ztunnel.net.LoopbackIpv6;
import io.ztunnel.net.Netns;
import io.ztunnel.net.Retirement;
import io.ztunnel.net.SocketFailure;
import io.ztunnel.net.UdpSocket;
import io.ztunnel.worker.Admission;
import io.ztunnel.worker.PodSlice;
import io.ztunnel.worker.WorkerBudget.Kind;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/// Where one pod's questions arrive on one worker, and how that ends
/// (docs/spec/config-observability-dns.md 6.1; docs/spec/inpod-and-deployment.md 2.4).
///
/// Confined to the worker's loop.
public final class DnsListener implements PodSlice.Part {
    private static final Logger LOG = LoggerFactory.getLogger(DnsListener.class);

    /// Longer ones are no questions.
    private static final int LARGEST_QUESTION = 4096;

    private static final int PREFIX = 2;

    /// How long a socket on its way out is still read: what was on its way to it has arrived then.
    private static final int LAST_READS_MILLIS = 50;

    private final PodSlice slice;
    private final DnsSettings settings;
    private final ListenerSettings sockets;
    private final Netns netns;
    private final Supplier<@Nullable Retirement> retirement;
    private final BadMessages bad;
    private final Forwarder forwarder;
    private final Answering answering;
    private final List<Channel> streams = new ArrayList<>();
    private final List<Channel> datagrams = new ArrayList<>();
    private final Set<Channel> connections = new HashSet<>();
    private final List<Retirement.Leaving> leaving = new ArrayList<>();
    private final List<Retirement.Leaving> silenced = new ArrayList<>();
    private int waitingDatagrams;
    private boolean draining;
    private boolean readsOver;

    /// @param sockets of listeners
    /// @param dialer for the pod's namespace, to servers
    /// @param mark of datagrams to servers, 0 for none
    /// @param retirement how the pod's listeners end, asked when they do
    public DnsListener(
            PodSlice slice,
            DnsSettings settings,
            ListenerSettings sockets,
            Netns netns,
            Dialer dialer,
            int mark,
            Supplier<@Nullable Retirement> retirement) {
        this.slice = slice;
        this.settings = settings;
        this.sockets = sockets;
        this.netns = netns;
        this.retirement = retirement;
        bad = new BadMessages(slice.worker().observer(), slice.local().info());
        forwarder =
                new Forwarder(
                        slice.worker().loop(),
                        netns,
                        mark,
                        dialer,
                        slice.admission(),
                        settings,
                        bad);
        answering =
                new Answering(
                        slice,
                        new MeshNames(settings.names()),
                        forwarder,
                        ByteBufAllocator.DEFAULT);
    }

    /// Binds everything; the first refusal ends it.
    public CompletableFuture<Void> open() {
        slice.add(this);
        CompletableFuture<Void> opened = CompletableFuture.completedFuture(null);
        for (InetSocketAddress address : settings.addresses()) {
            opened = opened.thenCompose(_ -> open(address));
        }
        return opened;
    }

    private CompletableFuture<Void> open(InetSocketAddress address) {
        boolean mayBeAbsent =
                address.getAddress() instanceof Inet6Address
                        && address.getAddress().isLoopbackAddress();
        if (mayBeAbsent && !LoopbackIpv6.isEnabledIn(netns)) {
            return CompletableFuture.completedFuture(null);
        }
        return bindStreams(address)
                .thenCompose(_ -> bindDatagrams(address))
                .exceptionallyCompose(
                        failure -> {
                            Throwable cause =
                                    failure instanceof CompletionException
                                                    && failure.getCause() != null
                                            ? failure.getCause()
                                            : failure;
                            if (mayBeAbsent && SocketFailure.isNoSuchAddress(cause)) {
                                LOG.atInfo()
                                        .addKeyValue("pod", slice.local().info().toString())
                                        .log("the pod has no IPv6, so no DNS on ::1");
                                return CompletableFuture.completedFuture(null);
                            }
                            return CompletableFuture.failedFuture(cause);
                        });
    }

    private CompletableFuture<Void> bindStreams(InetSocketAddress address) {
        return settled(
                Listener.bind(
                        slice.worker().loop(),
                        netns,
                        address,
                        sockets,
                        new ChannelInitializer<>() {
                            @Override
                            protected void initChannel(Channel accepted) {
                                admit(accepted);
                            }
                        }),
                streams);
    }

    private CompletableFuture<Void> bindDatagrams(InetSocketAddress address) {
        return settled(
                UdpSocket.bind(
                        slice.worker().loop(),
                        netns,
                        address,
                        sockets.sockets().mark(),
                        sockets.sharing(),
                        new ChannelInitializer<>() {
                            @Override
                            protected void initChannel(Channel bound) {
                                bound.config()
                                        .setRecvByteBufAllocator(
                                                new FixedRecvByteBufAllocator(LARGEST_QUESTION));
                                bound.pipeline().addLast(new UdpQuestions(DnsListener.this));
                            }
                        }),
                datagrams);
    }

    private static CompletableFuture<Void> settled(ChannelFuture binding, List<Channel> bound) {
        CompletableFuture<Void> result = new CompletableFuture<>();
        binding.addListener(
                done -> {
                    if (done.isSuccess()) {
                        bound.add(binding.channel());
                        result.complete(null);
                    } else {
                        result.completeExceptionally(done.cause());
                    }
                });
        return result;
    }

    private void admit(Channel accepted) {
        Admission admission = slice.admission();
        if (!admission.take(Kind.SOCKETS, 1)) {
            accepted.config().setOption(ChannelOption.SO_LINGER, 0);
            accepted.close();
            return;
        }
        connections.add(accepted);
        accepted.closeFuture()
                .addListener(
                        closed -> {
                            admission.give(Kind.SOCKETS, 1);
                            connections.remove(accepted);
                            slice.mayBeQuiet();
                        });
        accepted.config().setRecvByteBufAllocator(new FixedRecvByteBufAllocator(LARGEST_QUESTION));
        accepted.pipeline()
                .addLast(
                        new LengthFieldBasedFrameDecoder(
                                LARGEST_QUESTION + PREFIX, 0, PREFIX, 0, PREFIX),
                        new TcpQuestions(this));
    }

    List<InetSocketAddress> boundStreams() {
        return bound(streams);
    }

    List<InetSocketAddress> boundDatagrams() {
        return bound(datagrams);
    }

    private static List<InetSocketAddress> bound(List<Channel> channels) {
        return channels.stream()
                .map(channel -> (InetSocketAddress) channel.localAddress())
                .toList();
    }

    Answering answering() {
        return answering;
    }

    BadMessages bad() {
        return bad;
    }

    boolean isDraining() {
        return draining;
    }

    void datagramWaits() {
        waitingDatagrams++;
    }

    void datagramAnswered() {
        waitingDatagrams--;
        if (draining) {
            mayLeave();
        }
    }

    /// What has arrived is answered here. Newcomers are a successor's, where there is one.
    @Override
    public void drain() {
        Retirement how = retirement.get();
        if (how == null) {
            close();
            return;
        }
        draining = true;
        for (Channel each : streams) {
            leaving.add(how.begin(each, slice::mayBeQuiet));
        }
        for (Channel each : datagrams) {
            silenced.add(how.beginDatagrams(each));
        }
        slice.worker().loop().schedule(this::stopReading, LAST_READS_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void stopReading() {
        readsOver = true;
        mayLeave();
    }

    /// An answer must come from the socket that the question went to. Until then questions are
    /// taken, too: where the kernel does not steer them away, nobody else would.
    private void mayLeave() {
        if (readsOver && waitingDatagrams == 0) {
            silenced.forEach(Retirement.Leaving::finish);
            slice.mayBeQuiet();
        }
    }

    @Override
    public void close() {
        draining = true;
        readsOver = true;
        forwarder.close();
        leaving.forEach(Retirement.Leaving::finish);
        silenced.forEach(Retirement.Leaving::finish);
        streams.forEach(Channel::close);
        datagrams.forEach(Channel::close);
        for (Channel each : connections.toArray(new Channel[0])) {
            each.close();
        }
    }

    @Override
    public boolean isQuiet() {
        return leaving.stream().allMatch(Retirement.Leaving::isOver)
                && silenced.stream().allMatch(Retirement.Leaving::isOver)
                && connections.isEmpty();
    }
}
