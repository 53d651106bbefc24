package io.ztunnel.inpod;

import java.nio.file.Path;
import java.time.Duration;

/// How we talk with the node agent (docs/spec/inpod-and-deployment.md 1.5, 1.7 and 1.8).
///
/// @param socket the agent's socket file, `INPOD_UDS`; at most 107 bytes
/// @param answerWithin after so long a pod whose listeners are not bound is answered as a failure;
///     the attempt goes on. Below the agent's 5 s, because an answer after them is taken for the
///     answer to the next request
/// @param firstRetry from the first failed attempt for a pod to the next; then double each time
/// @param slowestRetry the longest time from one attempt to the next
/// @param stopGrace how long connections of a pod that is gone, or came back in another namespace,
///     may go on after its listeners have closed and its peers were told; zero cuts them at once
/// @param readyWithout so long after it was first named, a pod that cannot be started no longer
///     keeps the node from being ready for its other pods
/// @param firstReconnect the first pause between connections; each is double the one before
/// @param slowestReconnect the longest pause
public record InpodSettings(
        Path socket,
        Duration answerWithin,
        Duration firstRetry,
        Duration slowestRetry,
        Duration stopGrace,
        Duration readyWithout,
        Duration firstReconnect,
        Duration slowestReconnect) {

    public static final Path DEFAULT_SOCKET = Path.of("/var/run/ztunnel/ztunnel.sock");

    public static InpodSettings at(Path socket, Duration stopGrace) {
        return new InpodSettings(
                socket,
                Duration.ofSeconds(4),
                Duration.ofMillis(500),
                Duration.ofSeconds(15),
                stopGrace,
                Duration.ofSeconds(30),
                Duration.ofMillis(20),
                Duration.ofSeconds(15));
    }
}
