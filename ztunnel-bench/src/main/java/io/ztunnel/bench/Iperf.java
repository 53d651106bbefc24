package io.ztunnel.bench;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// One run of the iperf3 client in a pod.
///
/// @param bytes what the receiver got
/// @param bitsPerSecond at the receiver
record Iperf(double bytes, double bitsPerSecond) {
    static Iperf run(Lane lane, int streams, boolean down, int seconds) {
        String output =
                Command.run(
                        Duration.ofSeconds(seconds + 15L), "", words(lane, streams, down, seconds));
        return parse(output);
    }

    private static List<String> words(Lane lane, int streams, boolean down, int seconds) {
        List<String> words =
                new ArrayList<>(
                        List.of(
                                "iperf3",
                                "-J",
                                "-c",
                                lane.bulk().host(),
                                "-p",
                                Integer.toString(lane.bulk().port()),
                                "-P",
                                Integer.toString(streams),
                                "-t",
                                Integer.toString(seconds)));
        if (down) {
            words.add("-R");
        }
        return lane.source().inside(words);
    }

    /// Reads `end.sum_received` of iperf3's report.
    static Iperf parse(String json) {
        double bytes = -1;
        double rate = -1;
        try (JsonParser parser = new JsonFactory().createParser(json)) {
            while (parser.nextToken() != null) {
                boolean here =
                        parser.currentToken() == JsonToken.START_OBJECT
                                && "sum_received".equals(parser.currentName());
                while (here && parser.nextToken() != JsonToken.END_OBJECT) {
                    String name = parser.currentName();
                    if (parser.currentToken().isNumeric() && name.equals("bytes")) {
                        bytes = parser.getDoubleValue();
                    } else if (parser.currentToken().isNumeric()
                            && name.equals("bits_per_second")) {
                        rate = parser.getDoubleValue();
                    }
                }
            }
        } catch (IOException problem) {
            throw new LabFailure("iperf3's answer is not readable", problem);
        }
        if (bytes <= 0 || rate <= 0) {
            throw new LabFailure("iperf3 moved nothing: " + json.replaceAll("\\s+", " "));
        }
        return new Iperf(bytes, rate);
    }
}
