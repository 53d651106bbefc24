package io.ztunnel.pod;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.ztunnel.dns.DnsListener;
import io.ztunnel.dns.DnsSettings;
import io.ztunnel.identity.CertificateSource;
import io.ztunnel.inbound.InboundListener;
import io.ztunnel.inbound.InboundSettings;
import io.ztunnel.net.Dialer;
import io.ztunnel.net.Listener;
import io.ztunnel.net.ListenerSettings;
import io.ztunnel.net.ListenerSettings.PortSharing;
import io.ztunnel.net.Netns;
import io.ztunnel.net.Retirement;
import io.ztunnel.outbound.NameResolver;
import io.ztunnel.outbound.OutboundListener;
import io.ztunnel.outbound.OutboundSettings;
import io.ztunnel.outbound.SystemResolver;
import io.ztunnel.policy.PolicyJudge;
import io.ztunnel.route.InboundRouter;
import io.ztunnel.route.OutboundRouter;
import io.ztunnel.socks.SocksListener;
import io.ztunnel.tls.TlsContexts;
import io.ztunnel.worker.Admission;
import io.ztunnel.worker.Lookups;
import io.ztunnel.worker.PodSlice;
import io.ztunnel.worker.WorkerBudget.Kind;

import org.jspecify.annotations.Nullable;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Supplier;

/// The listening sockets of one pod on one worker. Confined to the worker's loop.
final class PodListeners implements PodSlice.Part {
    static final int OUTBOUND = 15001;
    static final int PLAINTEXT = 15006;
    static final int TUNNEL = 15008;
    static final int SOCKS = 15080;

    private static final InetAddress LOOPBACK = ip(new byte[] {127, 0, 0, 1});

    private final PodSlice slice;
    private final PodSettings settings;
    private final PortSharing sharing;
    private final Netns netns;
    private final CertificateSource certificates;
    private final TlsContexts tls;
    private final NameResolver names;
    private final Lookups lookups;
    private final Supplier<@Nullable Retirement> retirement;
    private final List<Channel> listeners = new ArrayList<>();
    private final List<Retirement.Leaving> leaving = new ArrayList<>();

    PodListeners(
            PodSlice slice,
            PodSettings settings,
            PortSharing sharing,
            Netns netns,
            Supplier<@Nullable Retirement> retirement,
            CertificateSource certificates,
            TlsContexts tls,
            NameResolver names,
            Lookups lookups) {
        this.slice = slice;
        this.settings = settings;
        this.sharing = sharing;
        this.netns = netns;
        this.retirement = retirement;
        this.certificates = certificates;
        this.tls = tls;
        this.names = names;
        this.lookups = lookups;
    }

    /// What a pod is listened on.
    ///
    /// @param settings its own
    static int[] ports(PodSettings settings) {
        return settings.tunnelsOnly()
                ? new int[] {TUNNEL}
                : new int[] {TUNNEL, PLAINTEXT, OUTBOUND};
    }

    /// Binds in the order of docs/spec/dataplane.md 1.1; the first refusal ends it.
    CompletableFuture<Void> open() {
        slice.add(this);
        Dialer dialer =
                new Dialer(
                        slice.worker().loop(),
                        netns,
                        settings.sockets(),
                        settings.transparent() == ListenerSettings.Transparent.REQUIRED,
                        this::count);
        InboundListener[] inbound = new InboundListener[1];
        OutboundListener outbound = outbound(dialer);
        slice.add(outbound);
        return dns(dialer)
                .thenCompose(_ -> bind(TUNNEL, false, channel -> inbound[0].onTunnel(channel)))
                .thenCompose(
                        bound -> {
                            // Whether the kernel lets us appear as the client is known only now.
                            inbound[0] = inbound(dialer, Listener.isTransparent(bound));
                            slice.add(inbound[0]);
                            return settings.tunnelsOnly()
                                    ? CompletableFuture.completedFuture(bound)
                                    : bind(PLAINTEXT, true, inbound[0]::onPlaintext)
                                            .thenCompose(
                                                    _ -> bind(OUTBOUND, true, outbound::onAccepted))
                                            .thenCompose(last -> socks(dialer, last));
                        })
                .thenApply(_ -> null);
    }

    private CompletableFuture<Void> dns(Dialer dialer) {
        DnsSettings dns = settings.dns();
        if (dns == null) {
            return CompletableFuture.completedFuture(null);
        }
        return new DnsListener(
                        slice,
                        dns,
                        listener(ListenerSettings.Transparent.OFF, false),
                        netns,
                        dialer,
                        settings.sockets().mark(),
                        retirement)
                .open();
    }

    private void count(Dialer.SourceTrouble trouble) {
        switch (trouble) {
            case REFUSED -> slice.worker().observer().metrics().sourceRefused();
            case UNANSWERED -> slice.worker().observer().metrics().sourceUnanswered();
        }
    }

    private CompletableFuture<Channel> socks(Dialer dialer, Channel last) {
        if (settings.socks() == PodSettings.Socks.OFF) {
            return CompletableFuture.completedFuture(last);
        }
        OutboundListener connections = outbound(dialer);
        slice.add(connections);
        SocksListener socks =
                new SocksListener(
                        slice,
                        connections,
                        settings.routes().network(),
                        settings.socks() == PodSettings.Socks.NAMES
                                ? SystemResolver.uncounted()
                                : null);
        slice.add(socks);
        InetSocketAddress address = new InetSocketAddress(LOOPBACK, SOCKS);
        return bind(address, false, socks::onAccepted);
    }

    private OutboundListener outbound(Dialer dialer) {
        return new OutboundListener(
                slice,
                new OutboundSettings(
                        settings.routes().network(),
                        settings.routes().illegalPorts(),
                        settings.retry()),
                new OutboundRouter(settings.routes()),
                dialer,
                certificates,
                tls,
                names,
                lookups,
                settings.tunnels());
    }

    private InboundListener inbound(Dialer dialer, boolean keepSource) {
        return new InboundListener(
                slice,
                new InboundSettings(
                        settings.routes().network(),
                        settings.routes().illegalPorts(),
                        keepSource,
                        settings.baggage(),
                        settings.policyInfo()),
                new InboundRouter(settings.routes()),
                new PolicyJudge(settings.unknownPolicies()),
                dialer,
                certificates,
                tls,
                settings.tunnels());
    }

    private CompletableFuture<Channel> bind(
            int port, boolean keepAlive, Consumer<Channel> onAccepted) {
        return bind(
                new InetSocketAddress(ip(new byte[settings.ipv6() ? 16 : 4]), port),
                keepAlive,
                onAccepted);
    }

    private CompletableFuture<Channel> bind(
            InetSocketAddress address, boolean keepAlive, Consumer<Channel> onAccepted) {
        CompletableFuture<Channel> result = new CompletableFuture<>();
        ChannelFuture binding =
                Listener.bind(
                        slice.worker().loop(),
                        netns,
                        address,
                        listener(settings.transparent(), keepAlive),
                        new Arrivals(
                                channel ->
                                        admit(
                                                channel,
                                                address.getPort() == TUNNEL ? 1 : 2,
                                                onAccepted)));
        binding.addListener(
                bound -> {
                    if (bound.isSuccess()) {
                        listeners.add(binding.channel());
                        result.complete(binding.channel());
                    } else {
                        result.completeExceptionally(bound.cause());
                    }
                });
        return result;
    }

    private ListenerSettings listener(ListenerSettings.Transparent transparent, boolean keepAlive) {
        return new ListenerSettings(
                sharing,
                transparent,
                ListenerSettings.DEFAULT_BACKLOG,
                keepAlive,
                settings.listenerMark() ? settings.sockets() : settings.sockets().withMark(0));
    }

    /// A socket that there is no room for is reset: whoever connected shall know at once.
    private void admit(Channel channel, int sockets, Consumer<Channel> onAccepted) {
        Admission admission = slice.admission();
        if (!admission.take(Kind.SOCKETS, sockets)) {
            channel.config().setOption(ChannelOption.SO_LINGER, 0);
            channel.close();
            return;
        }
        channel.closeFuture().addListener(closed -> admission.give(Kind.SOCKETS, sockets));
        onAccepted.accept(channel);
    }

    private static InetAddress ip(byte[] bytes) {
        try {
            return InetAddress.getByAddress(bytes);
        } catch (UnknownHostException impossible) {
            throw new IllegalStateException("4 and 16 bytes are always legal", impossible);
        }
    }

    /// Nobody who is already on the way is lost: he is served here or by a successor.
    @Override
    public void drain() {
        Retirement how = retirement.get();
        if (how == null) {
            close();
            return;
        }
        for (Channel listener : listeners) {
            leaving.add(how.begin(listener, slice::mayBeQuiet));
        }
    }

    @Override
    public void close() {
        leaving.forEach(Retirement.Leaving::finish);
        listeners.forEach(Channel::close);
    }

    @Override
    public boolean isQuiet() {
        return leaving.stream().allMatch(Retirement.Leaving::isOver);
    }
}
