package io.ztunnel;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.function.Consumer;

/// Termination signals (docs/spec/config-observability-dns.md 7).
///
/// The JDK's own reaction, running shutdown hooks, cannot tell a second SIGINT from the first, so
/// the handlers of `jdk.unsupported` are used: reflectively, because naming them is a compiler
/// warning that nothing silences.
final class Signals {
    private Signals() {}

    /// @param listener gets `TERM` or `INT`, on a thread of the JVM's
    static void listen(Consumer<String> listener) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
            Method getName = signal.getMethod("getName");
            Object handler =
                    Proxy.newProxyInstance(
                            Signals.class.getClassLoader(),
                            new Class<?>[] {handlerType},
                            (proxy, method, args) -> {
                                if (method.getName().equals("handle")) {
                                    listener.accept((String) getName.invoke(args[0]));
                                }
                                return null;
                            });
            Method handle = signal.getMethod("handle", signal, handlerType);
            for (String name : new String[] {"TERM", "INT"}) {
                handle.invoke(null, signal.getConstructor(String.class).newInstance(name), handler);
            }
        } catch (InvocationTargetException refused) {
            throw new IllegalStateException("signals cannot be handled", refused.getCause());
        } catch (ReflectiveOperationException absent) {
            throw new IllegalStateException("signals cannot be handled", absent);
        }
    }
}
