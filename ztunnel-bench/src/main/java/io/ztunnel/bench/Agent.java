package io.ztunnel.bench;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ztunnel.bench.load.PodMain;

import org.jspecify.annotations.Nullable;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Writer;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/// The applications of a pod ([PodMain]), seen from the benchmark: a line there, a line
/// back.
///
/// One question at a time, from one thread.
final class Agent {
    private static final Duration START = Duration.ofSeconds(30);

    private final Daemon daemon;
    private final Writer questions;
    private final BlockingQueue<String> answers = new LinkedBlockingQueue<>();

    private Agent(Daemon daemon) {
        this.daemon = daemon;
        this.questions = daemon.process().outputWriter(US_ASCII);
        Thread.ofPlatform().daemon().name("bench-agent").start(this::readAnswers);
    }

    /// Starts the program and waits until it says that it is there.
    static Agent start(Lab lab, String name, Pod pod) {
        return start(lab, name, pod, PodMain.class);
    }

    /// The same for another program that says `ok` when it is there.
    static Agent start(Lab lab, String name, Pod pod, Class<?> main, String... arguments) {
        List<String> words = Jvm.words("96m", main, arguments);
        Agent agent = new Agent(lab.startTalking(name, pod, words));
        agent.answer(START);
        return agent;
    }

    ProcessHandle process() {
        return daemon.process().toHandle();
    }

    /// The named numbers of the answer.
    ///
    /// @param limit how long the answer may take beyond what the question itself asks for
    /// @throws LabFailure when the program says that it failed, or says nothing in time
    Map<String, Double> ask(Duration limit, String question) {
        try {
            questions.write(question + "\n");
            questions.flush();
        } catch (IOException gone) {
            throw new LabFailure("an agent is gone", gone);
        }
        return answer(limit);
    }

    private Map<String, Double> answer(Duration limit) {
        @Nullable String line;
        try {
            line = answers.poll(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new LabFailure("interrupted", interrupted);
        }
        if (line == null) {
            daemon.kill();
            throw daemon.failure("did not answer in time");
        }
        if (!line.startsWith("ok")) {
            throw daemon.failure("answered: " + line);
        }
        Map<String, Double> numbers = new HashMap<>();
        for (String word : line.split(" ")) {
            int at = word.indexOf('=');
            if (at > 0) {
                numbers.put(word.substring(0, at), Double.valueOf(word.substring(at + 1)));
            }
        }
        return numbers;
    }

    /// Libraries may log to the same stream.
    private static boolean isAnswer(String line) {
        return line.startsWith("ok") || line.startsWith("fail ");
    }

    private void readAnswers() {
        try (BufferedReader reader =
                new BufferedReader(
                        new InputStreamReader(daemon.process().getInputStream(), US_ASCII))) {
            reader.lines().filter(Agent::isAnswer).forEach(answers::add);
        } catch (IOException | RuntimeException gone) {
            answers.add("fail " + gone.getMessage());
        }
        answers.add("fail the program has ended");
    }
}
