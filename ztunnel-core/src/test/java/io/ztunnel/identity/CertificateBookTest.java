package io.ztunnel.identity;

import static org.assertj.core.api.Assertions.assertThat;

import io.ztunnel.mesh.SpiffeId;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/// The book on a hand-moved clock: calls take one second, certificates live for 100
/// (docs/spec/identity-and-tls.md 9.3).
@Timeout(120)
class CertificateBookTest {
    private static final RenewalPlan EXACT = new RenewalPlan(Duration.ofSeconds(1), 0, 0.25);

    private final HandMovedThread thread = new HandMovedThread();
    private final ScriptedCa ca = new ScriptedCa(thread);
    private final List<HeldCertificate> retired = new ArrayList<>();

    private CertificateBook book(int concurrency) {
        return book(new BookSettings(concurrency, EXACT, Duration.ZERO, Duration.ofSeconds(1)));
    }

    private CertificateBook book(BookSettings settings) {
        return new CertificateBook(ca, settings, retired::add, thread, thread, new Random(1));
    }

    private static SpiffeId id(String account) {
        return new SpiffeId("cluster.local", "ns", account);
    }

    private static final class Answer implements CertificateSource.Receiver {
        @Nullable HeldCertificate certificate;
        @Nullable String failure;
        int calls;

        @Override
        public void onCertificate(HeldCertificate given) {
            certificate = given;
            calls++;
        }

        @Override
        public void onFailure(String text) {
            failure = text;
            calls++;
        }
    }

    private static Answer ask(CertificateBook book, String account, Priority priority) {
        Answer answer = new Answer();
        book.request(id(account), priority, Runnable::run, answer);
        return answer;
    }

    private void seconds(double n) {
        thread.advance(Duration.ofMillis(Math.round(n * 1000)));
    }

    @Test
    void E34_E35_theMostUrgentGoesFirstAndRenewalsKeepTheOrder() {
        CertificateBook book = book(1);
        ask(book, "id1", Priority.BACKGROUND);
        ask(book, "id2", Priority.BACKGROUND);
        ask(book, "id3", Priority.WARMUP);
        ask(book, "id4", Priority.REALTIME);
        seconds(4);
        assertThat(ca.asked).containsExactly("id1", "id4", "id3", "id2");

        seconds(46.999);
        assertThat(ca.asked).hasSize(4);
        seconds(10);
        assertThat(ca.asked.subList(4, 8)).containsExactly("id1", "id4", "id3", "id2");
    }

    @Test
    void E36_aWaitingConnectionOvertakesWarmUps() {
        CertificateBook book = book(1);
        for (int i = 1; i <= 4; i++) {
            ask(book, "warm" + i, Priority.WARMUP);
        }
        Answer answer = ask(book, "now", Priority.REALTIME);
        seconds(2);

        assertThat(ca.asked).containsExactly("warm1", "now");
        assertThat(answer.certificate).isNotNull();
    }

    @Test
    void E37_aWarmUpThatIsNeededNowIsRaised() {
        CertificateBook book = book(1);
        List<Answer> answers = new ArrayList<>();
        for (int i = 1; i <= 4; i++) {
            answers.add(ask(book, "warm" + i, Priority.WARMUP));
        }
        answers.add(ask(book, "warm4", Priority.REALTIME));
        seconds(2);
        assertThat(ca.asked).containsExactly("warm1", "warm4");
        seconds(2);
        assertThat(answers).allSatisfy(answer -> assertThat(answer.certificate).isNotNull());
    }

    @Test
    void E38_requestsForOneIdentityShareOneCall() {
        CertificateBook book = book(4);
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            answers.add(ask(book, "same", Priority.REALTIME));
        }
        seconds(1);

        assertThat(ca.asked).hasSize(1);
        assertThat(answers)
                .allSatisfy(
                        answer ->
                                assertThat(answer.certificate)
                                        .isNotNull()
                                        .isSameAs(answers.getFirst().certificate));
        assertThat(answers).allSatisfy(answer -> assertThat(answer.calls).isEqualTo(1));
    }

    @Test
    void E39_callsRunSideBySideUpToTheLimit() {
        CertificateBook book = book(4);
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            answers.add(ask(book, "id" + i, Priority.REALTIME));
        }
        assertThat(book.stats().inFlight()).isEqualTo(4);
        assertThat(book.stats().queued()).isEqualTo(1);
        seconds(1);
        assertThat(answers.stream().filter(answer -> answer.certificate != null)).hasSize(4);
        seconds(1);
        assertThat(answers.stream().filter(answer -> answer.certificate != null)).hasSize(5);
    }

    @Test
    void E40_closingEndsTheAuthorityAndTellsWhoWaits() {
        CertificateBook book = book(1);
        Answer waiting = ask(book, "id", Priority.REALTIME);
        book.close();

        assertThat(waiting.failure).isEqualTo("the identity is no longer needed");
        assertThat(ca.closed).isEqualTo(1);
    }

    @Test
    void E41_forgottenWhileTheCallIsUnderWay() {
        CertificateBook book = book(1);
        book.want(List.of(id("id")));
        Answer answer = ask(book, "id", Priority.REALTIME);
        book.want(List.of());
        assertThat(answer.failure).isEqualTo("the identity is no longer needed");
        seconds(2);
        assertThat(book.dump()).isEmpty();
        assertThat(book.current(id("id"))).isNull();
        assertThat(book.stats().inFlight()).isZero();
    }

    @Test
    void E42_forgottenAfterItWasIssued() {
        CertificateBook book = book(1);
        book.want(List.of(id("id")));
        seconds(1);
        HeldCertificate held = book.current(id("id"));
        assertThat(held).isNotNull();
        book.want(List.of());
        assertThat(book.current(id("id"))).isNull();
        assertThat(retired).containsExactly(held);
        seconds(1000);
        assertThat(ca.asked).hasSize(1);
    }

    @Test
    void E43_aFailureIsRememberedForAMomentAndTriedAgain() {
        CertificateBook book = book(1);
        ca.failure = "down";
        Answer first = ask(book, "id", Priority.REALTIME);
        seconds(1);
        assertThat(first.failure).isEqualTo("down");
        ca.failure = null;
        assertThat(ask(book, "id", Priority.REALTIME).failure).isEqualTo("down");
        seconds(3);
        assertThat(ask(book, "id", Priority.REALTIME).certificate).isNotNull();
    }

    @Test
    void E44_anUnknownIdentityHasNoCertificate() {
        assertThat(book(1).current(id("unknown"))).isNull();
    }

    @Test
    void E45_aFailedRenewalLeavesTheCertificateInUse() {
        CertificateBook book = book(1);
        book.want(List.of(id("id")));
        seconds(2);
        HeldCertificate held = book.current(id("id"));
        ca.failure = "down";
        seconds(60);

        assertThat(ca.asked.size()).isGreaterThan(1);
        assertThat(book.current(id("id"))).isSameAs(held);
        assertThat(book.dump().getFirst().state()).isEqualTo("Available");
        assertThat(book.stats().failing()).isEqualTo(1);
        ca.failure = null;
        seconds(35);
        assertThat(book.current(id("id"))).isNotSameAs(held);
        assertThat(retired).containsExactly(held);
        assertThat(book.stats().failing()).isZero();
    }

    @Test
    void E47_aRenewedCertificateReplacesTheOldOne() {
        CertificateBook book = book(1);
        book.want(List.of(id("id")));
        seconds(2);
        HeldCertificate before = book.current(id("id"));
        seconds(55);
        HeldCertificate after = book.current(id("id"));
        assertThat(before).isNotNull();
        assertThat(after).isNotNull();
        assertThat(after.notBefore()).isAfter(before.notBefore());
        assertThat(after.generation()).isGreaterThan(before.generation());
    }

    @Test
    void E51_theDumpIsSortedAndSaysTheState() {
        CertificateBook book = book(1);
        ask(book, "b", Priority.REALTIME);
        ask(book, "a", Priority.REALTIME);
        seconds(2);
        ca.failure = "signing gRPC error (Unknown error): no";
        ask(book, "c", Priority.REALTIME);
        seconds(1);
        ask(book, "d", Priority.REALTIME);

        List<BookLine> dump = book.dump();
        assertThat(dump.stream().map(BookLine::state))
                .containsExactly(
                        "Available",
                        "Available",
                        "Unavailable: signing gRPC error (Unknown error): no",
                        "Initializing");
        assertThat(dump.stream().map(line -> line.identity().serviceAccount()))
                .containsExactly("a", "b", "c", "d");
        assertThat(dump.get(0).chain()).hasSize(1);
        assertThat(dump.get(0).roots()).hasSize(1);
        assertThat(dump.get(2).chain()).isEmpty();
        assertThat(dump.get(3).roots()).isEmpty();
    }

    @Test
    void E53_E54_whatIsWantedIsFetchedOnce() {
        CertificateBook book = book(8);
        book.want(List.of(id("a"), id("b")));
        seconds(2);
        book.want(List.of(id("a"), id("b")));
        seconds(2);
        assertThat(ca.asked).containsExactlyInAnyOrder("a", "b");
        assertThat(book.stats().available()).isEqualTo(2);
    }

    @Test
    void E57_theLastPodGoneMeansForgottenAfterTheGracePeriod() {
        CertificateBook book =
                book(new BookSettings(8, EXACT, Duration.ofSeconds(30), Duration.ofSeconds(1)));
        book.want(List.of(id("a")));
        seconds(2);
        book.want(List.of());
        seconds(29);
        assertThat(book.current(id("a"))).isNotNull();
        book.want(List.of(id("a")));
        seconds(5);
        assertThat(book.current(id("a"))).isNotNull();
        assertThat(ca.asked).hasSize(1);
        book.want(List.of());
        seconds(30);
        assertThat(book.dump()).isEmpty();
    }

    @Test
    void E59_aThousandIdentitiesAtOnceLoseNone() {
        CertificateBook book = book(8);
        ca.lifetime = Duration.ofHours(24);
        List<SpiffeId> many = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            many.add(id("id" + i));
        }
        book.want(many);
        seconds(126);
        assertThat(book.stats().available()).isEqualTo(1000);
        book.want(List.of());
        assertThat(book.stats().managed()).isZero();
    }

    /// Upstream answers from memory for up to 180 s here; we try for whoever waits, with a brake.
    @Test
    void E60_aWaitingConnectionMakesAFailedIdentityBeTriedButNotInALoop() {
        CertificateBook book = book(1);
        ca.failure = "down";
        book.want(List.of(id("id")));
        seconds(400);
        int before = ca.asked.size();
        for (int i = 0; i < 100; i++) {
            ask(book, "id", Priority.REALTIME);
            seconds(0.1);
        }
        assertThat(ca.asked.size() - before).isBetween(1, 2);
        ca.failure = null;
        seconds(11);
        Answer answer = ask(book, "id", Priority.REALTIME);
        seconds(1);
        assertThat(answer.certificate).isNotNull();
    }

    @Test
    void E61_theLastTryIsAtExpiryAndThenThereIsNone() {
        CertificateBook book = book(1);
        book.want(List.of(id("id")));
        seconds(1);
        HeldCertificate held = book.current(id("id"));
        assertThat(held).isNotNull();
        ca.failure = "down";
        thread.advance(
                Duration.between(thread.instant(), held.notAfter()).minus(Duration.ofMillis(1)));
        assertThat(book.current(id("id"))).isSameAs(held);
        assertThat(book.dump().getFirst().state()).isEqualTo("Available");
        thread.advance(Duration.ofMillis(1));
        assertThat(book.current(id("id"))).isNull();
        seconds(1);
        assertThat(ca.askedAt).contains(held.notAfter().plusSeconds(1));
        assertThat(book.dump().getFirst().state()).isEqualTo("Unavailable: down");
    }

    @Test
    void nothingIsForgottenBeforeTheFirstListOfPods() {
        CertificateBook book = book(1);
        ask(book, "early", Priority.REALTIME);
        seconds(3600);
        assertThat(book.current(id("early"))).isNotNull();
    }

    @Test
    void aCertificateThatIsHalfOverOnArrivalIsNotAskedForInALoop() {
        CertificateBook book =
                book(
                        new BookSettings(
                                8,
                                new RenewalPlan(Duration.ofSeconds(20), 0.1, 0.25),
                                Duration.ZERO,
                                Duration.ofSeconds(1)));
        ca.lifetime = Duration.ofSeconds(60);
        ca.backdate = Duration.ofMinutes(2);
        book.want(List.of(id("id")));
        seconds(600);
        assertThat(ca.asked.size()).isBetween(20, 31);
        assertThat(book.current(id("id"))).isNotNull();
    }

    @Test
    void trustIsLookedAtEveryMinute() {
        CertificateBook book = book(1);
        book.want(List.of(id("id")));
        seconds(3600);
        assertThat(ca.trustChecks).isBetween(55, 65);
    }

    /// 500 identities, 24 h each, a year: never one without a certificate, no burst, no drift.
    @Test
    @Tag("slow")
    @Timeout(300)
    void aYearOfRenewals() {
        CertificateBook book =
                book(
                        new BookSettings(
                                8, RenewalPlan.DEFAULT, Duration.ZERO, Duration.ofSeconds(1)));
        ca.lifetime = Duration.ofHours(24);
        ca.backdate = Duration.ofMinutes(2);
        ca.roundedTo = Duration.ofHours(1);
        List<SpiffeId> identities = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            identities.add(id("id" + i));
        }
        book.want(identities);
        thread.advance(Duration.ofMinutes(2));
        for (int day = 0; day < 365; day++) {
            // Two outages, one of them longer than what is left at half life.
            ca.failure = day == 100 || day == 200 ? "down" : null;
            thread.advance(Duration.ofHours(day == 100 ? 6 : 24));
            if (day != 200) {
                assertThat(book.stats().available()).as("day %s", day).isEqualTo(500);
            }
            ca.failure = null;
            if (day == 200) {
                thread.advance(Duration.ofMinutes(10));
                assertThat(book.stats().available()).isEqualTo(500);
            }
        }
        assertThat(book.stats().issued()).isBetween(500L * 365, 500L * 365 * 3);
        assertThat(perMinute()).isLessThan(500 / 2);
        assertThat(book.stats().failing()).isZero();
    }

    /// The most requests in any minute after the first hours and away from the outages.
    private int perMinute() {
        Map<Long, Integer> minutes = new HashMap<>();
        Instant settled = Instant.parse("2026-02-01T00:00:00Z");
        Instant calm = Instant.parse("2026-04-01T00:00:00Z");
        int most = 0;
        for (Instant at : ca.askedAt) {
            if (at.isAfter(settled) && at.isBefore(calm)) {
                most = Math.max(most, minutes.merge(at.getEpochSecond() / 60, 1, Integer::sum));
            }
        }
        return most;
    }
}
