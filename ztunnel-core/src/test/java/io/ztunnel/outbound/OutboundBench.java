package io.ztunnel.outbound;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.ztunnel.hbone.TunnelSettings;
import io.ztunnel.identity.CertificateSource;
import io.ztunnel.identity.HeldCertificate;
import io.ztunnel.identity.Priority;
import io.ztunnel.mesh.Changes;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.SpiffeId;
import io.ztunnel.net.Dialer;
import io.ztunnel.net.Netns;
import io.ztunnel.net.SocketSettings;
import io.ztunnel.observe.ObserverKit;
import io.ztunnel.policy.CompiledPolicies;
import io.ztunnel.route.OutboundRouter;
import io.ztunnel.route.RouteSettings;
import io.ztunnel.testkit.MeshKit;
import io.ztunnel.tls.TlsContexts;
import io.ztunnel.tls.TlsSettings;
import io.ztunnel.worker.Lookups;
import io.ztunnel.worker.PodInfo;
import io.ztunnel.worker.PodUid;
import io.ztunnel.worker.Publication;
import io.ztunnel.worker.SliceId;
import io.ztunnel.worker.TestWorker;
import io.ztunnel.worker.WorkerMailbox;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/// The outbound stages of one pod on one loop over loopback sockets: the address that clients
/// connect to is the original destination, since nothing is redirected.
final class OutboundBench implements AutoCloseable {
    /// Where clients connect to: the address of the service.
    static final String VIP = "127.77.0.1";

    final ObserverKit told = new ObserverKit();
    private final MultiThreadIoEventLoopGroup group =
            new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final EventLoop loop = group.next();
    private final TlsContexts tls = new TlsContexts(TlsSettings.DEFAULT);
    private final WorkerMailbox worker = new WorkerMailbox(TestWorker.on(loop, told.observer()));
    private final SliceId slice = new SliceId(new PodUid("client"), 1);
    private final int port;

    OutboundBench(OutboundSettings.Retry retry) throws Exception {
        this(retry, Lookups.NONE, false);
    }

    OutboundBench(OutboundSettings.Retry retry, Lookups lookups, boolean onDemand)
            throws Exception {
        Channel[] listening = new Channel[1];
        worker.openSlice(
                        slice,
                        new PodInfo("client", "ns", "client-sa"),
                        opened -> {
                            OutboundListener outbound =
                                    new OutboundListener(
                                            opened,
                                            new OutboundSettings("", Set.of(), retry),
                                            new OutboundRouter(
                                                    RouteSettings.defaults()
                                                            .withOnDemand(onDemand)),
                                            new Dialer(loop, Netns.own(), SocketSettings.DEFAULTS),
                                            new NoCertificates(),
                                            tls,
                                            (_, _, then) -> then.accept(null),
                                            lookups,
                                            TunnelSettings.defaults());
                            opened.add(outbound);
                            CompletableFuture<Void> bound = new CompletableFuture<>();
                            listen(outbound)
                                    .bind(VIP, 0)
                                    .addListener(
                                            (io.netty.channel.ChannelFuture done) -> {
                                                listening[0] = done.channel();
                                                bound.complete(null);
                                            });
                            return bound;
                        })
                .get(10, TimeUnit.SECONDS);
        port = ((InetSocketAddress) listening[0].localAddress()).getPort();
    }

    private ServerBootstrap listen(OutboundListener outbound) {
        return new ServerBootstrap()
                .group(group)
                .channel(EpollServerSocketChannel.class)
                .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                .childOption(ChannelOption.AUTO_READ, false)
                .childHandler(
                        new ChannelInitializer<Channel>() {
                            @Override
                            protected void initChannel(Channel channel) {
                                loop.execute(() -> outbound.onAccepted(channel));
                            }
                        });
    }

    /// The port of the service.
    int port() {
        return port;
    }

    /// A mesh that knows the client.
    MeshKit mesh() {
        return MeshKit.mesh().workload("client").at("127.0.0.1").and();
    }

    void publish(MeshSnapshot mesh) {
        worker.onMesh(new Publication(mesh, CompiledPolicies.none(), Changes.NONE));
    }

    Socket connect() throws IOException {
        Socket socket = new Socket(VIP, port);
        socket.setSoTimeout(20_000);
        return socket;
    }

    /// What is true on the loop after all that has been given to it.
    void settle() throws Exception {
        loop.submit(() -> {}).get(10, TimeUnit.SECONDS);
    }

    int openConnections() throws Exception {
        return worker.connections().get(10, TimeUnit.SECONDS).stream()
                .mapToInt(pod -> pod.outbound().size())
                .sum();
    }

    void cutAll() {
        worker.drainSlice(slice, Duration.ZERO).orTimeout(10, TimeUnit.SECONDS).join();
    }

    @Override
    public void close() {
        cutAll();
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
        tls.close();
    }

    /// A program that gives back what it gets.
    static ServerSocket echo(String address, int port) throws IOException {
        ServerSocket server = new ServerSocket(port, 50, InetAddress.getByName(address));
        Thread.ofVirtual()
                .start(
                        () -> {
                            try {
                                while (true) {
                                    Socket one = server.accept();
                                    Thread.ofVirtual().start(() -> echo(one));
                                }
                            } catch (IOException closed) {
                                // The test is over.
                            }
                        });
        return server;
    }

    private static void echo(Socket socket) {
        try (socket) {
            socket.getInputStream().transferTo(socket.getOutputStream());
        } catch (IOException reset) {
            // Its client went away.
        }
    }

    private static final class NoCertificates implements CertificateSource {
        @Override
        public void request(
                SpiffeId identity, Priority priority, Executor callbackLoop, Receiver receiver) {
            callbackLoop.execute(() -> receiver.onFailure("there is no authority"));
        }

        @Override
        public HeldCertificate current(SpiffeId identity) {
            return null;
        }
    }
}
