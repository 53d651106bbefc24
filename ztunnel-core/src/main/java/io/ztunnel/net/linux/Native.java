package io.ztunnel.net.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// Finds functions of the C library and keeps their errno.
///
/// The first argument of every handle is the calling thread's errno segment, see [#errnoSegment].
final class Native {
    private static final Linker LINKER = Linker.nativeLinker();

    private static final long ERRNO_OFFSET =
            Linker.Option.captureStateLayout()
                    .byteOffset(MemoryLayout.PathElement.groupElement("errno"));

    /// One small segment per thread that ever makes a call: no allocation per call.
    private static final ThreadLocal<MemorySegment> ERRNO =
            ThreadLocal.withInitial(
                    () -> Arena.ofAuto().allocate(Linker.Option.captureStateLayout()));

    private Native() {}

    // Restricted means: --enable-native-access must be on, which the launcher passes.
    @SuppressWarnings("restricted")
    static MethodHandle link(String name, FunctionDescriptor signature, Linker.Option... options) {
        Linker.Option[] all = new Linker.Option[options.length + 1];
        System.arraycopy(options, 0, all, 0, options.length);
        all[options.length] = Linker.Option.captureCallState("errno");
        return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), signature, all);
    }

    static MemorySegment errnoSegment() {
        return ERRNO.get();
    }

    /// The answer of a call, or its failure when it is negative.
    static int checked(String call, int answer) throws SystemCallException {
        if (answer < 0) {
            throw new SystemCallException(call, errnoSegment().get(JAVA_INT, ERRNO_OFFSET));
        }
        return answer;
    }

    static long checked(String call, long answer) throws SystemCallException {
        if (answer < 0) {
            throw new SystemCallException(call, errnoSegment().get(JAVA_INT, ERRNO_OFFSET));
        }
        return answer;
    }

    /// A handle throws nothing of its own; whatever arrives here is a mistake in this package.
    static AssertionError broken(String call, Throwable cause) {
        return new AssertionError("calling " + call + " failed inside the JVM", cause);
    }
}
