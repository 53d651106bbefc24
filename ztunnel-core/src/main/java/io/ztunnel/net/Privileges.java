package io.ztunnel.net;

import io.netty.channel.ChannelException;
import io.netty.channel.epoll.EpollSocketChannel;
import io.ztunnel.net.linux.LibC;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;

/// Finds out at the start what would otherwise fail with the first pod
/// (docs/spec/inpod-and-deployment.md 2.6).
public final class Privileges {
    private static final Logger LOG = LoggerFactory.getLogger(Privileges.class);

    private Privileges() {}

    /// Lets the process open as many files as it may at all: two for each connection are needed.
    /// Where that is refused, the limit stays as it is.
    ///
    /// @return how many; -1 where it is not known
    public static long raiseOpenFileLimit() {
        try {
            long limit = LibC.raiseOpenFileLimit();
            LOG.info("file descriptor limit: {}", limit);
            return limit;
        } catch (IOException refused) {
            LOG.warn("cannot raise the file descriptor limit: {}", refused.getMessage());
            return -1;
        }
    }

    /// @param mark the packet mark that every socket of a pod gets
    /// @throws IOException naming the privilege that is missing
    public static void check(int mark) throws IOException {
        try {
            LibC.setns(Netns.own().descriptor(), LibC.CLONE_NEWNET);
        } catch (IOException refused) {
            throw new IOException(
                    "cannot enter network namespaces, is CAP_SYS_ADMIN missing? ("
                            + refused.getMessage()
                            + ")",
                    refused);
        }
        EpollSocketChannel scratch = new EpollSocketChannel();
        try {
            SocketOptions.mark(scratch.config(), mark);
        } catch (ChannelException refused) {
            throw new IOException(
                    "cannot set the packet mark "
                            + mark
                            + ", is CAP_NET_RAW or CAP_NET_ADMIN missing? ("
                            + refused.getMessage()
                            + ")",
                    refused);
        } finally {
            scratch.unsafe().closeForcibly();
        }
    }
}
