package io.ztunnel.admin;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.QueryStringDecoder;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.zip.GZIPOutputStream;

/// Turns requests into answers, one after the other. Bodies of requests are read and ignored; a
/// failing answer is a 500 with the reason and never ends the connection.
final class RequestHandler extends SimpleChannelInboundHandler<HttpObject> {
    private static final Logger LOG = LoggerFactory.getLogger(RequestHandler.class);

    /// Smaller bodies are not worth a compressor.
    private static final int COMPRESS_FROM = 1024;

    private final Function<Request, Answer> answers;
    private @Nullable HttpRequest head;
    private boolean inputEnded;

    RequestHandler(Function<Request, Answer> answers) {
        this.answers = answers;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, HttpObject message) {
        if (message.decoderResult().isFailure()) {
            refuse(context, message.decoderResult().cause());
            return;
        }
        if (message instanceof HttpRequest request) {
            timeout(context).stop();
            head = request;
        }
        if (message instanceof LastHttpContent && head != null) {
            HttpRequest request = head;
            head = null;
            respond(context, request);
        }
    }

    private void respond(ChannelHandlerContext context, HttpRequest request) {
        Answer answer = answer(request);
        byte[] body = answer.body;
        boolean compressed = body.length >= COMPRESS_FROM && acceptsGzip(request);
        ByteBuf content = Unpooled.wrappedBuffer(compressed ? gzip(body) : body);
        boolean headOnly = request.method().name().equals("HEAD");
        FullHttpResponse response =
                new DefaultFullHttpResponse(
                        HttpVersion.HTTP_1_1,
                        HttpResponseStatus.valueOf(answer.status),
                        headOnly ? Unpooled.EMPTY_BUFFER : content);
        if (!answer.contentType.isEmpty()) {
            response.headers().set(HttpHeaderNames.CONTENT_TYPE, answer.contentType);
        }
        if (compressed) {
            response.headers().set(HttpHeaderNames.CONTENT_ENCODING, "gzip");
        }
        response.headers().set(HttpHeaderNames.CONTENT_LENGTH, content.readableBytes());
        var written = context.writeAndFlush(response);
        if (inputEnded) {
            written.addListener(ChannelFutureListener.CLOSE);
        } else {
            timeout(context).start(context);
        }
    }

    private Answer answer(HttpRequest request) {
        try {
            QueryStringDecoder uri = new QueryStringDecoder(request.uri());
            return answers.apply(
                    new Request(
                            request.method().name(),
                            uri.path(),
                            uri.parameters(),
                            request.headers().getAll(HttpHeaderNames.ACCEPT)));
        } catch (RuntimeException failed) {
            LOG.warn("request failed: {}", request.uri(), failed);
            return Answer.text(500, String.valueOf(failed.getMessage()));
        }
    }

    private static void refuse(ChannelHandlerContext context, Throwable reason) {
        LOG.debug("request refused", reason);
        FullHttpResponse response =
                new DefaultFullHttpResponse(
                        HttpVersion.HTTP_1_1,
                        reason instanceof io.netty.handler.codec.TooLongFrameException
                                ? HttpResponseStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
                                : HttpResponseStatus.BAD_REQUEST,
                        Unpooled.EMPTY_BUFFER);
        response.headers().set(HttpHeaderNames.CONTENT_LENGTH, 0);
        context.writeAndFlush(response).addListener(ChannelFutureListener.CLOSE);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) throws Exception {
        if (event instanceof ChannelInputShutdownEvent) {
            inputEnded = true;
            if (head == null) {
                // Everything that was asked has been answered; what is still being flushed goes
                // out.
                context.writeAndFlush(Unpooled.EMPTY_BUFFER)
                        .addListener(ChannelFutureListener.CLOSE);
            }
        }
        super.userEventTriggered(context, event);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        LOG.debug("connection failed", cause);
        context.close();
    }

    private static HeaderTimeout timeout(ChannelHandlerContext context) {
        return context.pipeline().get(HeaderTimeout.class);
    }

    private static boolean acceptsGzip(HttpRequest request) {
        List<String> accepted = request.headers().getAll(HttpHeaderNames.ACCEPT_ENCODING);
        for (String header : accepted) {
            for (String element : header.toLowerCase(Locale.ROOT).split(",")) {
                String[] parts = element.split(";");
                boolean refused = element.replace(" ", "").matches(".*;q=0(\\.0*)?");
                if (parts[0].strip().equals("gzip") && !refused) {
                    return true;
                }
            }
        }
        return false;
    }

    private static byte[] gzip(byte[] body) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(body.length / 4);
        try (GZIPOutputStream compressor = new GZIPOutputStream(out)) {
            compressor.write(body);
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return out.toByteArray();
    }
}
