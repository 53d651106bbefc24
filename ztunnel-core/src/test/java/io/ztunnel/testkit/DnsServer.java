package io.ztunnel.testkit;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.handler.codec.dns.DatagramDnsQuery;
import io.netty.handler.codec.dns.DatagramDnsQueryDecoder;
import io.netty.handler.codec.dns.DatagramDnsResponse;
import io.netty.handler.codec.dns.DatagramDnsResponseEncoder;
import io.netty.handler.codec.dns.DefaultDnsRawRecord;
import io.netty.handler.codec.dns.DefaultDnsResponse;
import io.netty.handler.codec.dns.DnsQuery;
import io.netty.handler.codec.dns.DnsQuestion;
import io.netty.handler.codec.dns.DnsRecord;
import io.netty.handler.codec.dns.DnsRecordType;
import io.netty.handler.codec.dns.DnsResponse;
import io.netty.handler.codec.dns.DnsResponseCode;
import io.netty.handler.codec.dns.DnsSection;
import io.netty.handler.codec.dns.TcpDnsQueryDecoder;
import io.netty.handler.codec.dns.TcpDnsResponseEncoder;
import io.ztunnel.net.Listener;
import io.ztunnel.net.ListenerSettings;
import io.ztunnel.net.ListenerSettings.PortSharing;
import io.ztunnel.net.ListenerSettings.Transparent;
import io.ztunnel.net.Netns;
import io.ztunnel.net.SocketSettings;
import io.ztunnel.net.UdpSocket;

import org.jspecify.annotations.Nullable;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;

/// A DNS server that knows what a test tells it, over UDP and TCP. What does not fit into 512 bytes
/// is cut off in datagrams, to nothing. Unknown names do not exist.
public final class DnsServer implements AutoCloseable {
    private static final int MOST_IN_A_DATAGRAM = 20;
    private static final int MOST_PORTS = 20;
    private static final ListenerSettings STREAMS =
            new ListenerSettings(
                    PortSharing.ALONE,
                    Transparent.OFF,
                    ListenerSettings.DEFAULT_BACKLOG,
                    false,
                    SocketSettings.DEFAULTS);

    private final MultiThreadIoEventLoopGroup group =
            new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final Map<String, Content> names = new ConcurrentHashMap<>();
    private final Queue<String> asked = new ConcurrentLinkedQueue<>();
    private final Queue<InetAddress> askers = new ConcurrentLinkedQueue<>();
    private final List<InetSocketAddress> addresses = new ArrayList<>();

    /// What is said about a name and a type.
    ///
    /// @param code null: nothing is said at all
    public record Content(
            @Nullable DnsResponseCode code,
            List<Data> answers,
            List<Data> authorities,
            List<Data> additionals) {

        public static Content of(Data... answers) {
            return new Content(DnsResponseCode.NOERROR, List.of(answers), List.of(), List.of());
        }

        public static Content code(DnsResponseCode code) {
            return new Content(code, List.of(), List.of(), List.of());
        }

        public static Content silence() {
            return new Content(null, List.of(), List.of(), List.of());
        }

        public Content withAuthority(Data... more) {
            return new Content(code, answers, List.of(more), additionals);
        }

        public Content withAdditional(Data... more) {
            return new Content(code, answers, authorities, List.of(more));
        }
    }

    /// A record.
    @SuppressWarnings("ArrayRecordComponent") // Never compared, and never changed.
    public record Data(String owner, DnsRecordType type, long ttl, byte[] bytes) {
        public static Data address(String owner, long ttl, String ip) {
            InetAddress address = InetAddress.ofLiteral(ip);
            boolean v6 = address.getAddress().length == 16;
            return new Data(
                    owner, v6 ? DnsRecordType.AAAA : DnsRecordType.A, ttl, address.getAddress());
        }

        DnsRecord record() {
            return new DefaultDnsRawRecord(owner, type, ttl, Unpooled.wrappedBuffer(bytes));
        }
    }

    private DnsServer() {}

    /// @param addresses port 0 takes a free one, the same for both transports
    public static DnsServer start(Netns netns, InetSocketAddress... addresses) {
        DnsServer server = new DnsServer();
        for (InetSocketAddress address : addresses) {
            server.bind(netns, address);
        }
        return server;
    }

    /// A port that is free for datagrams may be taken for streams; then another one is tried.
    private void bind(Netns netns, InetSocketAddress address) {
        for (int left = MOST_PORTS; ; left--) {
            Channel udp =
                    UdpSocket.bind(
                                    group.next(),
                                    netns,
                                    address,
                                    0,
                                    PortSharing.ALONE,
                                    new Datagrams())
                            .syncUninterruptibly()
                            .channel();
            InetSocketAddress bound = (InetSocketAddress) udp.localAddress();
            ChannelFuture tcp =
                    Listener.bind(group.next(), netns, bound, STREAMS, new Streams())
                            .awaitUninterruptibly();
            if (tcp.isSuccess()) {
                addresses.add(bound);
                return;
            }
            udp.close().syncUninterruptibly();
            if (address.getPort() != 0 || left == 0) {
                throw new IllegalStateException("no DNS server on " + bound, tcp.cause());
            }
        }
    }

    public InetSocketAddress address() {
        return addresses.getFirst();
    }

    /// @param name with the dot at the end
    public DnsServer says(String name, DnsRecordType type, Content content) {
        names.put(key(name, type), content);
        return this;
    }

    public DnsServer has(String name, String... ips) {
        for (String ip : ips) {
            Data data = Data.address(name, 300, ip);
            says(name, data.type(), Content.of(data));
        }
        return this;
    }

    /// `udp` or `tcp`, name and type of everything that was asked, oldest first.
    public List<String> asked() {
        return List.copyOf(asked);
    }

    /// Who asked, in the same order; datagrams only.
    public List<InetAddress> askers() {
        return List.copyOf(askers);
    }

    private static String key(String name, DnsRecordType type) {
        return name.toLowerCase(Locale.ROOT) + " " + type.name();
    }

    private @Nullable DnsResponse answer(DnsQuery query, DnsResponse response, String transport) {
        DnsQuestion question = query.recordAt(DnsSection.QUESTION);
        asked.add(transport + " " + question.name() + " " + question.type().name());
        Content content =
                names.getOrDefault(
                        key(question.name(), question.type()),
                        Content.code(DnsResponseCode.NXDOMAIN));
        if (content.code() == null) {
            response.release();
            return null;
        }
        response.setCode(content.code()).setRecursionAvailable(true);
        response.addRecord(DnsSection.QUESTION, question);
        if (transport.equals("udp") && content.answers().size() > MOST_IN_A_DATAGRAM) {
            response.setTruncated(true);
            return response;
        }
        add(response, DnsSection.ANSWER, content.answers());
        add(response, DnsSection.AUTHORITY, content.authorities());
        add(response, DnsSection.ADDITIONAL, content.additionals());
        return response;
    }

    private static void add(DnsResponse response, DnsSection section, List<Data> all) {
        all.forEach(data -> response.addRecord(section, data.record()));
    }

    private final class Datagrams extends ChannelInitializer<Channel> {
        @Override
        protected void initChannel(Channel channel) {
            channel.pipeline()
                    .addLast(
                            new DatagramDnsQueryDecoder(),
                            new DatagramDnsResponseEncoder(),
                            new SimpleChannelInboundHandler<DatagramDnsQuery>() {
                                @Override
                                protected void channelRead0(
                                        ChannelHandlerContext ctx, DatagramDnsQuery query) {
                                    askers.add(query.sender().getAddress());
                                    DnsResponse answer =
                                            answer(
                                                    query,
                                                    new DatagramDnsResponse(
                                                            /* sender= */ query.recipient(),
                                                            /* recipient= */ query.sender(),
                                                            query.id()),
                                                    "udp");
                                    if (answer != null) {
                                        ctx.writeAndFlush(answer);
                                    }
                                }
                            });
        }
    }

    private final class Streams extends ChannelInitializer<Channel> {
        @Override
        protected void initChannel(Channel channel) {
            channel.pipeline()
                    .addLast(
                            new TcpDnsQueryDecoder(),
                            new TcpDnsResponseEncoder(),
                            new SimpleChannelInboundHandler<DnsQuery>() {
                                @Override
                                protected void channelRead0(
                                        ChannelHandlerContext ctx, DnsQuery query) {
                                    DnsResponse answer =
                                            answer(
                                                    query,
                                                    new DefaultDnsResponse(query.id()),
                                                    "tcp");
                                    if (answer != null) {
                                        ctx.writeAndFlush(answer);
                                    }
                                }
                            });
        }
    }

    @Override
    public void close() {
        group.shutdownGracefully(0, 2, TimeUnit.SECONDS).syncUninterruptibly();
    }
}
