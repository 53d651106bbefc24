/// Starting, being ready, draining, ending.
///
/// Two things that are held: [Readiness] keeps the probe red, [Drain] keeps the process alive. Both
/// are used from every thread; neither is touched per byte.
///
/// May use: nothing of ours.
/// Read in this order: [Hold], [Readiness], [Drain].
@NullMarked
package io.ztunnel.lifecycle;

import org.jspecify.annotations.NullMarked;
