package io.ztunnel.identity;

import io.ztunnel.ca.CertificateAuthority;
import io.ztunnel.ca.CertificateRefusal;
import io.ztunnel.ca.IssuedCertificate;
import io.ztunnel.identity.BookEntry.Waiter;
import io.ztunnel.mesh.SpiffeId;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/// Who is wanted, held and failing (docs/spec/identity-and-tls.md 3).
///
/// The identities that pods of this node have are told as a whole, as often as they change
/// ([#want]); the book compares and asks for what is missing. There is no queue of changes that
/// could lose one. At most one request per identity is under way and at most so many in all; the
/// most urgent goes first. A certificate that cannot be renewed stays in use until it expires.
///
/// One thread owns the book; the methods hand their work to it. Only [#current] answers by itself.
/// All times are wall-clock and are looked at anew every minute, so a clock that was set or a
/// machine that slept moves no renewal out of reach.
public final class CertificateBook implements CertificateSource, AutoCloseable {
    private static final Duration TICK = Duration.ofSeconds(60);
    private static final int MAX_DEMAND_GAPS = 10;

    /// Upstream's words.
    private static final String FORGOTTEN = "the identity is no longer needed";

    private final CertificateAuthority authority;
    private final BookSettings settings;
    private final InstantSource clock;
    private final BookThread thread;
    private final RandomGenerator random;
    private final Consumer<HeldCertificate> retired;

    /// What any thread may read. Written by the owner only.
    private final Map<SpiffeId, HeldCertificate> published = new ConcurrentHashMap<>();

    // All below belongs to the owner.
    private final Map<SpiffeId, BookEntry> entries = new HashMap<>();

    /// The entries without a call under way.
    private final BookQueue idle = new BookQueue();

    private final WakeUp wakeUp;
    private Instant nextTick = Instant.MIN;
    private Instant nextSweep = Instant.MIN;
    private boolean reconciled;
    private boolean closed;
    private int inFlight;
    private long orders;
    private long generations;
    private long issuedTotal;
    private long failuresTotal;
    private Duration requestTime = Duration.ZERO;

    /// Starts the thread `zt-certs`.
    ///
    /// @param authority whom to ask; closed with the book
    /// @param retired told, on the book's thread, of every certificate that was replaced or
    /// forgotten
    public CertificateBook(
            CertificateAuthority authority,
            BookSettings settings,
            Consumer<HeldCertificate> retired) {
        this(
                authority,
                settings,
                retired,
                InstantSource.system(),
                BookThread.start(),
                RandomGenerator.of("L64X128MixRandom"));
    }

    CertificateBook(
            CertificateAuthority authority,
            BookSettings settings,
            Consumer<HeldCertificate> retired,
            InstantSource clock,
            BookThread thread,
            RandomGenerator random) {
        this.authority = authority;
        this.settings = settings;
        this.retired = retired;
        this.clock = clock;
        this.thread = thread;
        this.random = random;
        this.wakeUp = new WakeUp(thread, this::work);
    }

    /// Tells which identities the pods of this node have now: all of them, each time.
    ///
    /// Missing ones are asked for; those no longer listed are forgotten after the grace period.
    /// Until the first call nothing is ever forgotten.
    public void want(Collection<SpiffeId> identities) {
        Set<SpiffeId> desired = Set.copyOf(identities);
        thread.run(() -> reconcile(desired));
    }

    @Override
    public @Nullable HeldCertificate current(SpiffeId identity) {
        HeldCertificate certificate = published.get(identity);
        return certificate == null || certificate.expired(clock.instant()) ? null : certificate;
    }

    /// All certificates in use. Any thread.
    public List<HeldCertificate> held() {
        return List.copyOf(published.values());
    }

    @Override
    public void request(
            SpiffeId identity, Priority priority, Executor callbackLoop, Receiver receiver) {
        Waiter waiter = new Waiter(callbackLoop, receiver);
        HeldCertificate held = current(identity);
        if (held != null) {
            waiter.give(held);
        } else {
            thread.run(() -> demand(identity, priority, waiter));
        }
    }

    /// All identities, sorted. Waits for the book's thread, a moment.
    ///
    /// @throws IllegalStateException when it does not answer within five seconds
    public List<BookLine> dump() {
        return thread.ask(
                () -> {
                    Instant now = clock.instant();
                    return entries.values().stream()
                            .sorted(Comparator.comparing(entry -> entry.identity))
                            .map(
                                    entry ->
                                            new BookLine(
                                                    entry.identity,
                                                    entry.state(now),
                                                    entry.validAt(now)))
                            .toList();
                });
    }

    /// The numbers as they are now. Waits for the book's thread, a moment.
    ///
    /// @throws IllegalStateException when it does not answer within five seconds
    public BookStats stats() {
        return thread.ask(this::count);
    }

    /// Forgets everything; who waits is told so. Calls under way are interrupted.
    @Override
    public void close() {
        thread.run(
                () -> {
                    closed = true;
                    for (BookEntry entry : List.copyOf(entries.values())) {
                        forget(entry);
                    }
                    thread.close();
                    authority.close();
                });
    }

    private void reconcile(Set<SpiffeId> desired) {
        if (closed) {
            return;
        }
        reconciled = true;
        Instant now = clock.instant();
        for (SpiffeId identity : desired) {
            BookEntry entry = entries.get(identity);
            if (entry == null) {
                add(identity, Priority.WARMUP, now);
            } else {
                entry.forgetAt = null;
            }
        }
        for (BookEntry entry : entries.values()) {
            if (entry.forgetAt == null && !desired.contains(entry.identity)) {
                entry.forgetAt = now.plus(settings.grace());
            }
        }
        nextSweep = now;
        work();
    }

    private BookEntry add(SpiffeId identity, Priority priority, Instant now) {
        BookEntry entry = new BookEntry(identity, priority, now, orders++);
        entries.put(identity, entry);
        idle.add(entry);
        return entry;
    }

    private void demand(SpiffeId identity, Priority priority, Waiter waiter) {
        if (closed) {
            waiter.refuse(FORGOTTEN);
            return;
        }
        Instant now = clock.instant();
        BookEntry entry = entries.get(identity);
        if (entry == null) {
            // Asked for before the list of pods said so: kept for as long as a pod that has gone.
            entry = add(identity, priority, now);
            entry.forgetAt = reconciled ? now.plus(demandGrace()) : null;
            nextSweep = now;
        }
        HeldCertificate held = entry.validAt(now);
        if (held != null) {
            waiter.give(held);
            return;
        }
        String failure = entry.failure;
        if (failure != null && !entry.inFlight && !demandMayTry(entry, now)) {
            waiter.refuse(failure);
            return;
        }
        entry.waiters.add(waiter);
        if (!entry.inFlight && (priority.compareTo(entry.priority) > 0 || entry.due.isAfter(now))) {
            idle.remove(entry);
            entry.priority = priority.compareTo(entry.priority) > 0 ? priority : entry.priority;
            entry.due = now;
            idle.add(entry);
        }
        work();
    }

    private Duration demandGrace() {
        return settings.grace().compareTo(TICK) > 0 ? settings.grace() : TICK;
    }

    /// A failed identity is tried again for a connection, less often the longer it has been
    /// failing.
    private boolean demandMayTry(BookEntry entry, Instant now) {
        Instant last = entry.lastTry;
        int gaps = Math.min(entry.failuresInARow, MAX_DEMAND_GAPS);
        return last == null || !now.isBefore(last.plus(settings.demandGap().multipliedBy(gaps)));
    }

    /// Does whatever is due and sees that the thread is woken for the next.
    private void work() {
        Instant now = clock.instant();
        if (!now.isBefore(nextSweep)) {
            sweep(now);
        }
        while (inFlight < settings.concurrency()) {
            BookEntry next = idle.mostUrgent(now);
            if (next == null) {
                break;
            }
            start(next);
        }
        if (!closed) {
            // What is due already waits for a slot, and a slot that comes back wakes by itself.
            Instant due = idle.dueAfter(now);
            wakeUp.at(due.isBefore(nextSweep) ? due : nextSweep, now);
        }
    }

    private void start(BookEntry entry) {
        idle.remove(entry);
        entry.inFlight = true;
        inFlight++;
        Instant started = clock.instant();
        String identity = entry.identity.toString();
        thread.call(
                () -> {
                    try {
                        IssuedCertificate issued = authority.sign(identity);
                        thread.run(() -> succeeded(entry, issued, started));
                    } catch (CertificateRefusal e) {
                        thread.run(() -> failed(entry, e.text(), e.remedy(), started));
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                        thread.run(() -> failed(entry, FORGOTTEN, "", started));
                    } catch (RuntimeException e) {
                        // A slot must come back whatever happens.
                        thread.run(
                                () ->
                                        failed(
                                                entry,
                                                "signing failed: " + e,
                                                "This is a bug.",
                                                started));
                    }
                });
    }

    private void succeeded(BookEntry entry, IssuedCertificate issued, Instant started) {
        Instant now = returned(entry, started);
        if (entries.get(entry.identity) != entry) {
            issued.wipeKey();
            work();
            return;
        }
        issuedTotal++;
        HeldCertificate before = entry.held;
        HeldCertificate fresh = new HeldCertificate(entry.identity, issued, ++generations);
        entry.held = fresh;
        entry.failure = null;
        entry.failuresInARow = 0;
        entry.alarmed = false;
        entry.priority = Priority.BACKGROUND;
        entry.due = settings.plan().renewAt(fresh.notBefore(), fresh.notAfter(), now, random);
        entry.order = orders++;
        idle.add(entry);
        published.put(entry.identity, fresh);
        BookLog.issued(entry);
        entry.giveAll(fresh);
        if (before != null) {
            retired.accept(before);
        }
        work();
    }

    private void failed(BookEntry entry, String text, String remedy, Instant started) {
        Instant now = returned(entry, started);
        if (entries.get(entry.identity) != entry) {
            work();
            return;
        }
        failuresTotal++;
        entry.failuresInARow++;
        entry.failure = text;
        entry.priority = Priority.BACKGROUND;
        HeldCertificate held = entry.validAt(now);
        entry.due =
                settings.plan()
                        .retryAt(
                                entry.failuresInARow,
                                now,
                                held == null ? now : held.notAfter(),
                                random);
        entry.order = orders++;
        idle.add(entry);
        if (held != null && held.notAfter().isBefore(nextSweep)) {
            nextSweep = held.notAfter();
        }
        BookLog.failed(entry, held, remedy);
        if (held == null) {
            published.remove(entry.identity);
            entry.refuseAll(text);
        } else {
            entry.giveAll(held);
        }
        work();
    }

    private Instant returned(BookEntry entry, Instant started) {
        Instant now = clock.instant();
        entry.inFlight = false;
        entry.lastTry = now;
        inFlight--;
        requestTime = requestTime.plus(Duration.between(started, now));
        return now;
    }

    /// Looks at every entry: forgets, sounds alarms, notices expiry. At least once a minute, when
    /// it also has the authority look at what it trusts.
    private void sweep(Instant now) {
        boolean minute =
                !now.isBefore(nextTick) || Duration.between(now, nextTick).compareTo(TICK) > 0;
        if (minute) {
            nextTick = now.plus(TICK);
            thread.call(authority::checkTrust);
        }
        Instant next = nextTick;
        for (Iterator<BookEntry> all = entries.values().iterator(); all.hasNext(); ) {
            BookEntry entry = all.next();
            Instant forgetAt = entry.forgetAt;
            if (forgetAt != null && !now.isBefore(forgetAt)) {
                all.remove();
                gone(entry);
                continue;
            }
            alarm(entry, now);
            if (forgetAt != null && forgetAt.isBefore(next)) {
                next = forgetAt;
            }
            HeldCertificate held = entry.validAt(now);
            if (held != null && held.notAfter().isBefore(next)) {
                next = held.notAfter();
            }
        }
        nextSweep = next;
    }

    private void alarm(BookEntry entry, Instant now) {
        HeldCertificate held = entry.held;
        if (held == null) {
            return;
        }
        if (held.expired(now)) {
            if (published.remove(entry.identity, held)) {
                BookLog.expired(entry, held);
            }
        } else if (!entry.alarmed
                && entry.failure != null
                && !now.isBefore(settings.plan().alarmAt(held.notBefore(), held.notAfter()))) {
            entry.alarmed = true;
            BookLog.expiring(entry, held);
        }
    }

    private void forget(BookEntry entry) {
        entries.remove(entry.identity);
        gone(entry);
    }

    private void gone(BookEntry entry) {
        idle.remove(entry);
        published.remove(entry.identity);
        entry.refuseAll(FORGOTTEN);
        HeldCertificate held = entry.held;
        if (held != null) {
            retired.accept(held);
            held.wipeKey();
        }
    }

    private BookStats count() {
        return BookStats.of(
                entries.values(),
                clock.instant(),
                inFlight,
                issuedTotal,
                failuresTotal,
                requestTime);
    }
}
