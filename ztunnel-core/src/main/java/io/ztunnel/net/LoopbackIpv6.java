package io.ztunnel.net;

import io.ztunnel.net.linux.LibC;
import io.ztunnel.net.linux.SystemCallException;

import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/// Whether a pod's loopback interface speaks IPv6, which decides if its DNS listener binds `::1`
/// (docs/spec/inpod-and-deployment.md 2.4).
public final class LoopbackIpv6 {
    private static final String SWITCH = "/proc/sys/net/ipv6/conf/lo/disable_ipv6";

    private LoopbackIpv6() {}

    /// Any platform thread; what cannot be read counts as enabled.
    public static boolean isEnabledIn(Netns netns) {
        try {
            // The namespace of the opening thread decides whose switch it is; reading can wait.
            int descriptor = netns.call(LoopbackIpv6::open);
            try {
                byte[] text = LibC.read(descriptor, 16);
                return !new String(text, StandardCharsets.US_ASCII).strip().equals("1");
            } finally {
                LibC.close(descriptor);
            }
        } catch (SystemCallException | UncheckedIOException unreadable) {
            return true;
        }
    }

    private static int open() {
        try {
            return LibC.open(SWITCH);
        } catch (SystemCallException failed) {
            throw new UncheckedIOException(failed);
        }
    }
}
