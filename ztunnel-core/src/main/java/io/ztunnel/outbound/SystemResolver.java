package io.ztunnel.outbound;

import io.ztunnel.mesh.IpAddress;

import org.jspecify.annotations.Nullable;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;

/// Asks the system's resolver on a virtual thread, because it blocks. It runs in the daemon's own
/// namespace and never enters a pod's. Any thread.
public final class SystemResolver implements NameResolver {
    private final Consumer<Query> counter;

    /// @param counter told of each query, whatever becomes of it
    public SystemResolver(Consumer<Query> counter) {
        this.counter = counter;
    }

    /// For names that a client asked for itself: those are no on-demand lookups.
    public static SystemResolver uncounted() {
        return new SystemResolver(query -> {});
    }

    @Override
    public void resolve(Query query, Executor loop, Consumer<@Nullable IpAddress> then) {
        counter.accept(query);
        Thread.ofVirtual()
                .name("zt-resolve")
                .start(
                        () -> {
                            IpAddress found = lookup(query);
                            loop.execute(() -> then.accept(found));
                        });
    }

    private static @Nullable IpAddress lookup(Query query) {
        try {
            List<IpAddress> all =
                    Arrays.stream(InetAddress.getAllByName(query.hostname()))
                            .map(IpAddress::of)
                            .toList();
            List<IpAddress> preferred =
                    all.stream().filter(ip -> ip.isV6() == query.preferV6()).toList();
            List<IpAddress> from = preferred.isEmpty() ? all : preferred;
            return from.get(ThreadLocalRandom.current().nextInt(from.size()));
        } catch (UnknownHostException | IllegalArgumentException unknown) {
            return null;
        }
    }
}
