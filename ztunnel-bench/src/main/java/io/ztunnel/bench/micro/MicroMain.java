package io.ztunnel.bench.micro;

import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;

import java.util.List;

/// The command `ztunnel bench micro [filter]`: runs what matches, in forks of this JDK.
public final class MicroMain {
    private MicroMain() {}

    /// @param filters regular expressions on class and method names, none for all
    /// @return the status the process should end with
    public static int run(List<String> filters) {
        ChainedOptionsBuilder options = new OptionsBuilder();
        String ours = "^" + MicroMain.class.getPackageName().replace(".", "\\.") + "\\.";
        if (filters.isEmpty()) {
            options.include(ours);
        }
        for (String filter : filters) {
            options.include(ours + ".*" + filter);
        }
        try {
            return new Runner(options.build()).run().isEmpty() ? 1 : 0;
        } catch (RunnerException problem) {
            System.err.println("bench: " + problem.getMessage());
            return 1;
        }
    }
}
