package io.ztunnel.net;

import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.util.AttributeKey;
import io.ztunnel.net.linux.MigrationProgram;
import io.ztunnel.net.linux.SystemCallException;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.concurrent.atomic.AtomicBoolean;

/// Asks the kernel to move connections that wait at a listener to another one of its group when it
/// closes, whoever closes it: this process, another version of it that shares the port, or the end
/// of a process. docs/adr/0010-handover.md. Any thread.
final class Migration {
    private static final Logger LOG = LoggerFactory.getLogger(Migration.class);

    static final AttributeKey<Boolean> GRANTED = AttributeKey.valueOf(Migration.class, "granted");

    private static final int NONE = -1;

    /// Open for as long as the process lives, because pods come at any time.
    private static final int PROGRAM = load();

    private static final AtomicBoolean COMPLAINED = new AtomicBoolean();

    private Migration() {}

    /// To be called when the listener listens: only then it has a group.
    static void request(Channel listener) {
        if (PROGRAM == NONE) {
            return;
        }
        try {
            listener.config().setOption(SocketOptions.PROGRAM, PROGRAM);
            listener.attr(GRANTED).set(true);
        } catch (ChannelException refused) {
            if (COMPLAINED.compareAndSet(false, true)) {
                LOG.warn(
                        "the kernel does not move waiting connections, they will be steered: {}",
                        SocketFailure.textOf(refused));
            }
        }
    }

    static boolean isGranted(Channel listener) {
        return Boolean.TRUE.equals(listener.attr(GRANTED).get());
    }

    private static int load() {
        try {
            return MigrationProgram.load();
        } catch (SystemCallException refused) {
            LOG.warn(
                    "the kernel does not move waiting connections, they will be steered: {}",
                    refused.getMessage());
            return NONE;
        }
    }
}
