package io.ztunnel.net.linux;

import static io.ztunnel.net.linux.Native.broken;
import static io.ztunnel.net.linux.Native.checked;
import static io.ztunnel.net.linux.Native.errnoSegment;
import static io.ztunnel.net.linux.Native.link;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// The one program we ever give to the kernel: it selects nothing, and its kind says that
/// connections which wait at a closing listener move to another one of its `SO_REUSEPORT` group.
///
/// ```
///  r0 = SK_PASS      choose by hash, as without a program
///  exit
/// ```
///
/// Linux 5.14 or newer, and CAP_BPF or CAP_SYS_ADMIN. It does for one group what the sysctl
/// `net.ipv4.tcp_migrate_req` does for a namespace. docs/adr/0010-handover.md.
public final class MigrationProgram {
    private static final int BPF_PROG_LOAD = 5;
    private static final int BPF_PROG_TYPE_SK_REUSEPORT = 21;
    private static final int BPF_SK_REUSEPORT_SELECT_OR_MIGRATE = 40;

    // struct bpf_insn { u8 code; u8 registers; s16 off; s32 imm; }: mov64 r0, 1; exit.
    private static final byte[] INSTRUCTIONS = {
        (byte) 0xb7, 0, 0, 0, 1, 0, 0, 0, (byte) 0x95, 0, 0, 0, 0, 0, 0, 0
    };
    private static final int INSTRUCTION_COUNT = 2;

    // union bpf_attr of BPF_PROG_LOAD, up to the last field that is set.
    private static final int ATTRIBUTES = 72;
    private static final long TYPE = 0;
    private static final long COUNT = 4;
    private static final long PROGRAM = 8;
    private static final long LICENSE = 16;
    private static final long ATTACH_TYPE = 68;

    // long syscall(long number, ...); the C library has no function for bpf(2).
    private static final MethodHandle SYSCALL =
            link(
                    "syscall",
                    FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT),
                    Linker.Option.firstVariadicArg(1));

    private MigrationProgram() {}

    /// Loads it; any thread.
    ///
    /// @return a descriptor, the caller's to keep open for as long as it wants to attach it
    /// @throws SystemCallException EINVAL from an older kernel, EPERM without the privilege, ENOSYS
    ///     where there is no such call
    public static int load() throws SystemCallException {
        long answer;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment program = arena.allocate(INSTRUCTIONS.length, 8);
            program.copyFrom(MemorySegment.ofArray(INSTRUCTIONS));
            MemorySegment attributes = arena.allocate(ATTRIBUTES, 8);
            attributes.set(JAVA_INT, TYPE, BPF_PROG_TYPE_SK_REUSEPORT);
            attributes.set(JAVA_INT, COUNT, INSTRUCTION_COUNT);
            attributes.set(JAVA_LONG, PROGRAM, program.address());
            // Uses no function that the kernel reserves for other licenses.
            attributes.set(JAVA_LONG, LICENSE, arena.allocateFrom("Apache-2.0").address());
            attributes.set(JAVA_INT, ATTACH_TYPE, BPF_SK_REUSEPORT_SELECT_OR_MIGRATE);
            answer =
                    (long)
                            SYSCALL.invokeExact(
                                    errnoSegment(),
                                    number(),
                                    BPF_PROG_LOAD,
                                    attributes,
                                    ATTRIBUTES);
        } catch (Throwable inside) {
            throw broken("bpf", inside);
        }
        return (int) checked("bpf", answer);
    }

    private static long number() {
        return System.getProperty("os.arch").equals("aarch64") ? 280 : 321;
    }
}
