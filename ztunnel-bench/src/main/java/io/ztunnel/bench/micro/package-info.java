/// What do single parts of the daemon cost, alone and warm?
///
/// JMH benchmarks, named as the upstream project names its own where it has the same, so that the
/// two can be laid side by side.
///
/// May use: the packages that are measured, JMH.
/// Read in this order: [MicroMain], then whichever part is of interest.
@NullMarked
package io.ztunnel.bench.micro;

import org.jspecify.annotations.NullMarked;
