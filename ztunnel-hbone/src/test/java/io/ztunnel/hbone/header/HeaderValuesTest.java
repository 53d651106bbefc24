package io.ztunnel.hbone.header;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.Random;

class HeaderValuesTest {

    private static final String FULL =
            "k8s.cluster.name=Kubernetes,k8s.namespace.name=ns1,k8s.deployment.name=app,"
                    + "service.name=shop,service.version=v1,cloud.region=r,"
                    + "cloud.availability_zone=z";

    @Test
    void row94_hostIsFoundAmongOtherParameters() {
        assertThat(host("by=identifier;for=identifier;host=example.com;proto=https"))
                .isEqualTo("example.com");
    }

    @Test
    void row95_quotesAroundTheHostAreNotPartOfIt() {
        assertThat(host("for=x;host=\"example.com\";proto=https")).isEqualTo("example.com");
    }

    @Test
    void row96_noHost() {
        assertThat(host("by=identifier;for=identifier;proto=https")).isNull();
        assertThat(host(null)).isNull();
    }

    @Test
    void row97_emptyHost() {
        assertThat(host("for=x;host=;proto=https")).isNull();
        assertThat(host("host=\"\"")).isNull();
        assertThat(host("host=\"")).isNull();
    }

    @Test
    void row98_aCharacterOutsideAsciiAnywhereVoidsTheHeader() {
        assertThat(host("for=é;host=example.com")).isNull();
    }

    @Test
    void row99_aFullBaggageSetsEveryField() {
        assertThat(Baggage.parse(FULL))
                .isEqualTo(
                        new Baggage(
                                "Kubernetes", "ns1", "deployment", "app", "shop", "v1", "r", "z"));
    }

    @Test
    void row100_emptyValuesAreUnset() {
        assertThat(
                        Baggage.parse(
                                "k8s.cluster.name=,k8s.namespace.name=,k8s.pod.name=,"
                                        + "service.name=,service.version=,cloud.region=,"
                                        + "cloud.availability_zone="))
                .isEqualTo(Baggage.EMPTY);
    }

    @Test
    void row101_oneMemberPerLineIsTheSameOnceJoined() {
        String[] lines = FULL.split(",");
        assertThat(Baggage.parse(String.join(",", lines))).isEqualTo(Baggage.parse(FULL));
    }

    @Test
    void row102_noBaggageIsNoError() {
        assertThat(Baggage.parse(null)).isEqualTo(Baggage.EMPTY);
        assertThat(Baggage.parse("")).isEqualTo(Baggage.EMPTY);
    }

    @Test
    void row103_writingAndReadingBaggageIsIdentity() {
        assertThat(Baggage.parse(Baggage.EMPTY.write())).isEqualTo(Baggage.EMPTY);
        assertThat(Baggage.parse(FULL).write()).isEqualTo(FULL);
    }

    @Test
    void row104_severalForwardedElementsAreNotSplit() {
        assertThat(host("for=a;host=b,for=c;host=d")).isEqualTo("b,for=c");
    }

    @Test
    void row105_aTraceparentOfAnotherLengthIsIgnored() {
        String good = "00-de921f1fdbbd8296367a770f2bdd235c-a7d8b2b8367dcc9b-01";
        assertThat(TraceParent.parse(good).write()).isEqualTo(good);
        assertThat(TraceParent.parse(good + "0")).isNull();
        assertThat(TraceParent.parse(good.substring(1))).isNull();
        assertThat(TraceParent.parse(null)).isNull();
        assertThat(TraceParent.parse(good.replace('d', 'x'))).isNull();
    }

    @Test
    void baggageBeyondASecondEqualsSignIsIgnoredAndNothingIsTrimmed() {
        Baggage baggage = Baggage.parse("service.name=a=b, service.version=v1,noequals,=x");
        assertThat(baggage.service()).isEqualTo("a");
        assertThat(baggage.version()).isNull();
    }

    @Test
    void forwardedIsWrittenWithTheSourceInQuotesAndTheHostWithout() {
        assertThat(new Forwarded("10.0.0.1:80", "shop.ns").write())
                .isEqualTo("for=\"10.0.0.1:80\";host=shop.ns");
        assertThat(new Forwarded("[::1]:80", null).write()).isEqualTo("for=\"[::1]:80\"");
        Forwarded both = new Forwarded("[::1]:80", "shop.ns");
        assertThat(Forwarded.parse(both.write())).isEqualTo(both);
    }

    @Test
    void aRandomTraceparentReadsBack() {
        for (int i = 0; i < 1000; i++) {
            TraceParent trace = TraceParent.random();
            assertThat(TraceParent.parse(trace.write())).isEqualTo(trace);
        }
    }

    @Test
    void noTextMakesAParserThrow() {
        Random random = new Random(42);
        String pieces = "=;,\"-0aé host=for=k8s.pod.name=00-\u0000";
        for (int i = 0; i < 50_000; i++) {
            StringBuilder text = new StringBuilder();
            for (int n = random.nextInt(60); n > 0; n--) {
                text.append(pieces.charAt(random.nextInt(pieces.length())));
            }
            Baggage baggage = Baggage.parse(text.toString());
            assertThat(Baggage.parse(baggage.write())).isEqualTo(baggage);
            Forwarded.parse(text.toString());
            TraceParent.parse(text.toString());
        }
    }

    private static String host(String header) {
        return Forwarded.parse(header).host();
    }
}
