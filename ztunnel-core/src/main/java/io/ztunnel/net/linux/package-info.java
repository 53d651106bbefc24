/// How do we ask the Linux kernel for what the JDK and Netty do not offer?
///
/// System calls as verbs, and nothing else: the only package that imports `java.lang.foreign`. Each
/// call that fails throws [SystemCallException] with the call's name and its errno. What Netty can
/// set as a channel option is not here.
///
/// May use: nothing of ours.
/// Read in this order: [LibC], [SystemCallException], [Errno].
@NullMarked
package io.ztunnel.net.linux;

import org.jspecify.annotations.NullMarked;
