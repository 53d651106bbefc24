package io.ztunnel;

import io.ztunnel.identity.HeldCertificate;
import io.ztunnel.observe.Metrics;
import io.ztunnel.tls.RevocationFile;
import io.ztunnel.tls.RevocationFile.Look;
import io.ztunnel.tls.Revocations;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Instant;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/// Looks at the file of `CRL_PATH`, tells the workers when it has changed, and raises the alarm
/// when a certificate of our own is on a list: peers that have the same list refuse us.
///
/// Everything happens on the thread `zt-crl`, because it reads files; the first load happens in
/// [#start].
final class RevocationWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RevocationWatch.class);
    private static final long INTERVAL_MILLIS = 500;

    private final RevocationFile file;
    private final Revocations revocations;
    private final Supplier<Collection<HeldCertificate>> own;
    private final Metrics metrics;
    private final Runnable whenChanged;
    private final ScheduledExecutorService thread =
            Executors.newSingleThreadScheduledExecutor(
                    Thread.ofPlatform().name("zt-crl").daemon().factory());

    /// Ours that were judged since the lists last changed; and of these the revoked ones.
    private final Set<HeldCertificate> judged = new HashSet<>();

    private final Set<HeldCertificate> revoked = new HashSet<>();

    private RevocationWatch(
            RevocationFile file,
            Revocations revocations,
            Supplier<Collection<HeldCertificate>> own,
            Metrics metrics,
            Runnable whenChanged) {
        this.file = file;
        this.revocations = revocations;
        this.own = own;
        this.metrics = metrics;
        this.whenChanged = whenChanged;
    }

    /// Loads the file, then watches it.
    ///
    /// @param own the certificates in use
    /// @param whenChanged called after other lists have come into force
    static RevocationWatch start(
            RevocationFile file,
            Revocations revocations,
            Supplier<Collection<HeldCertificate>> own,
            Metrics metrics,
            Runnable whenChanged) {
        RevocationWatch watch = new RevocationWatch(file, revocations, own, metrics, whenChanged);
        watch.take(file.load());
        watch.thread.scheduleWithFixedDelay(
                watch::look, INTERVAL_MILLIS, INTERVAL_MILLIS, TimeUnit.MILLISECONDS);
        return watch;
    }

    private void look() {
        try {
            take(file.look());
        } catch (RuntimeException unexpected) {
            // The next look must come whatever happens.
            LOG.error("looking at the CRL file failed", unexpected);
        }
    }

    private void take(Look look) {
        switch (look) {
            case SAME -> {}
            case FAILED -> metrics.revocationFileFailed();
            case LOADED -> {
                judged.clear();
                whenChanged.run();
            }
        }
        Instant now = Instant.now();
        judgeOurselves(now);
        metrics.revocations(
                revocations.lists(), revocations.entries(), revocations.stale(now), revoked.size());
    }

    private void judgeOurselves(Instant now) {
        Collection<HeldCertificate> held = own.get();
        judged.retainAll(held);
        revoked.retainAll(held);
        for (HeldCertificate certificate : held) {
            if (!judged.add(certificate)) {
                continue;
            }
            String objection = revocations.objection(certificate, now);
            if (objection == null) {
                if (revoked.remove(certificate)) {
                    LOG.info("certificate of {} is no longer revoked", certificate.identity());
                }
            } else if (revoked.add(certificate)) {
                LOG.error(
                        "our own certificate of {} is on the CRL, peers refuse it: {}",
                        certificate.identity(),
                        objection);
            }
        }
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}
