package io.ztunnel.inbound;

import io.netty.channel.Channel;
import io.ztunnel.mesh.IpAddress;
import io.ztunnel.mesh.MeshSnapshot;
import io.ztunnel.mesh.Service;
import io.ztunnel.mesh.Workload;
import io.ztunnel.net.OriginalDestination;
import io.ztunnel.observe.ConnectionDescription;
import io.ztunnel.observe.Observer;
import io.ztunnel.observe.Party;
import io.ztunnel.observe.Reporter;
import io.ztunnel.observe.ServiceRef;
import io.ztunnel.policy.ConnectionFacts;
import io.ztunnel.relay.Leg;
import io.ztunnel.relay.ReceiveSizes;
import io.ztunnel.relay.TcpLeg;
import io.ztunnel.route.DestinationService;
import io.ztunnel.route.Refusal;

import org.jspecify.annotations.Nullable;

import java.net.InetSocketAddress;

/// Takes sockets on port 15006: plain TCP for the pod that the kernel redirected
/// (docs/spec/dataplane.md 4). Nobody proved anything, so only policies that ask for no identity
/// allow it; "strict" and "permissive" are nothing but such policies.
///
/// Confined to the worker's loop.
final class PlaintextListener {
    private final Inbound stage;

    /// Sockets that wait for their pod to become known and are in no table yet.
    private int arriving;

    PlaintextListener(Inbound stage) {
        this.stage = stage;
    }

    void onAccepted(Channel channel) {
        if (channel.remoteAddress() == null) {
            channel.close();
            return;
        }
        ReceiveSizes.of(channel);
        Observer observer = stage.slice().worker().observer();
        observer.socketOpened(Reporter.DESTINATION);
        channel.closeFuture().addListener(closed -> observer.socketClosed(Reporter.DESTINATION));
        new Arrival(channel).begin();
    }

    boolean isQuiet() {
        return arriving == 0;
    }

    /// One socket on its way to the application.
    private final class Arrival implements InboundConnection.Origin {
        private final TcpLeg client;
        private final InetSocketAddress source;
        private final InetSocketAddress destination;
        private final long startNanos = stage.slice().worker().observer().nanoTime();
        private boolean gone;

        Arrival(Channel channel) {
            this.source = (InetSocketAddress) channel.remoteAddress();
            this.destination = OriginalDestination.of(channel);
            this.client = TcpLeg.on(channel, stage.slice().admission().buffers());
            client.whenGoneEarly(() -> gone = true);
        }

        void begin() {
            if (stage.settings().illegalPorts().contains(destination.getPort())) {
                deny(Refusal.CALLS_ITSELF.sentence());
                return;
            }
            arriving++;
            stage.slice()
                    .local()
                    .whenKnown(
                            local -> {
                                arriving--;
                                plan(local);
                                stage.slice().mayBeQuiet();
                            });
        }

        private void plan(@Nullable Workload local) {
            if (gone) {
                return;
            }
            if (local == null) {
                deny(stage.slice().local().unknownText());
                return;
            }
            IpAddress from = IpAddress.of(source.getAddress());
            InboundConnection.begin(
                    stage,
                    this,
                    new InboundConnection.Plan(
                            local,
                            new ConnectionFacts(
                                    null,
                                    from,
                                    IpAddress.of(destination.getAddress()),
                                    destination.getPort()),
                            source,
                            destination,
                            stage.settings().keepSource() ? source.getAddress() : null,
                            null,
                            null),
                    stage.slice().worker().observer().open(describe(local, from), startNanos));
        }

        private ConnectionDescription describe(Workload local, IpAddress from) {
            MeshSnapshot mesh = stage.slice().worker().mesh().mesh();
            Workload client = mesh.workloadByAddress(stage.settings().network(), from);
            Service service =
                    DestinationService.guess(mesh, local, null, null, destination.getPort());
            return new ConnectionDescription(
                    Reporter.DESTINATION,
                    source,
                    client == null ? Party.unknown() : stage.slice().worker().party(client),
                    null,
                    destination,
                    null,
                    service == null ? null : ServiceRef.of(service),
                    stage.slice().local().party(),
                    stage.slice().local().identity(local),
                    false);
        }

        private void deny(String error) {
            client.refuse();
            stage.slice().worker().observer().denied(source, destination, "inbound", error);
        }

        @Override
        public Leg accept() {
            return client;
        }

        @Override
        public void refuse(int status) {
            client.refuse();
        }

        @Override
        public void whenAbandoned(Runnable action) {
            client.whenGoneEarly(action);
        }
    }
}
