package io.ztunnel.tls;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.ca.IssuedCertificate;
import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.ca.testkit.LeafRequest;
import io.ztunnel.identity.HeldCertificate;
import io.ztunnel.mesh.SpiffeId;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;

import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/// Leaf, intermediate and root are replaced one after the other while new connections arrive as
/// fast as the machine makes them. Nobody is turned away (docs/spec/identity-and-tls.md 7).
///
/// Client and server take each step at different times, as two nodes do.
@Tag("slow")
@Timeout(240)
class RotationUnderLoadIT {
    private static final SpiffeId CLIENT = SpiffeId.parse("spiffe://cluster.local/ns/a/sa/client");
    private static final SpiffeId SERVER = SpiffeId.parse("spiffe://cluster.local/ns/b/sa/server");

    /// New connections between any two changes.
    private static final int PER_STEP = 500;

    private static final int AT_A_TIME = 16;

    private final TlsContexts contexts = new TlsContexts(TlsSettings.DEFAULT);
    private final TlsLoopback loopback = new TlsLoopback();
    private final AtomicLong generations = new AtomicLong();
    private final AtomicReference<HeldCertificate> client = new AtomicReference<>();
    private final AtomicReference<HeldCertificate> server = new AtomicReference<>();
    private final Semaphore room = new Semaphore(AT_A_TIME);
    private final AtomicLong done = new AtomicLong();
    private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private int port;

    @AfterEach
    void stop() {
        loopback.close();
        contexts.close();
    }

    @Test
    void leafThenIntermediateThenRootCutNobody(TestReporter report) throws Exception {
        IssuingCa oldRoot = IssuingCa.root("O=cluster.local");
        IssuingCa newRoot = IssuingCa.root("O=cluster.local");
        IssuingCa first = oldRoot.intermediate("CN=first");
        IssuingCa second = oldRoot.intermediate("CN=second");
        IssuingCa third = newRoot.intermediate("CN=third");
        take(client, CLIENT, first);
        take(server, SERVER, first);
        port = loopback.serve(channel -> contexts.server(server.get(), channel.alloc()));

        long began = System.nanoTime();
        load();
        step(() -> take(client, CLIENT, first), () -> take(server, SERVER, first));
        step(() -> take(server, SERVER, second), () -> take(client, CLIENT, second));
        // The new root is told to everybody before anybody signs with it, the old one is withdrawn
        // last.
        step(
                () -> take(client, CLIENT, second, newRoot.certificate()),
                () -> take(server, SERVER, second, newRoot.certificate()));
        step(
                () -> take(server, SERVER, third, oldRoot.certificate()),
                () -> take(client, CLIENT, third, oldRoot.certificate()));
        step(() -> take(client, CLIENT, third), () -> take(server, SERVER, third));

        room.acquire(AT_A_TIME);
        long perSecond = done.get() * 1_000_000_000L / (System.nanoTime() - began);
        report.publishEntry("connections per second", Long.toString(perSecond));
        assertThat(failures).isEmpty();
        assertThat(done.get()).isEqualTo(11L * PER_STEP);
        assertThat(contexts.size()).isEqualTo(2);
    }

    /// The control: withdrawn too early, the old root is missed at once.
    @Test
    void aRootWithoutOverlapTurnsPeersAway() throws Exception {
        IssuingCa oldRoot = IssuingCa.root("O=cluster.local");
        IssuingCa newRoot = IssuingCa.root("O=cluster.local");
        take(client, CLIENT, oldRoot);
        take(server, SERVER, newRoot);
        port = loopback.serve(channel -> contexts.server(server.get(), channel.alloc()));
        TlsEnd end = connect();
        assertThat(end.failure()).isNotEmpty();
    }

    private interface Change {
        void happen();
    }

    private void step(Change one, Change other) throws InterruptedException {
        one.happen();
        load();
        other.happen();
        load();
    }

    private void take(
            AtomicReference<HeldCertificate> who,
            SpiffeId identity,
            IssuingCa signer,
            X509Certificate... moreRoots) {
        IssuedCertificate issued = signer.issue(LeafRequest.of(identity.toString()), moreRoots);
        HeldCertificate before =
                who.getAndSet(new HeldCertificate(identity, issued, generations.incrementAndGet()));
        if (before != null) {
            contexts.drop(before);
        }
    }

    private TlsEnd connect() {
        return loopback.connect(
                port, channel -> contexts.client(client.get(), List.of(SERVER), channel.alloc()));
    }

    /// As many at a time as there is room for, each until the server's first byte has come: with
    /// TLS 1.3 only that shows that the client's certificate was accepted, too.
    private void load() throws InterruptedException {
        for (int i = 0; i < PER_STEP; i++) {
            room.acquire();
            TlsEnd end = connect();
            end.read.whenComplete(
                    (text, failure) -> {
                        if (failure != null) {
                            failures.add(failure);
                        }
                        done.incrementAndGet();
                        end.close();
                        room.release();
                    });
        }
    }
}
