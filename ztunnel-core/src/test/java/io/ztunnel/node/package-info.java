/// Whole daemons as processes, in namespaces, with real applications that know nothing of them.
///
/// Read in this order: [MeshLab], [DaemonProcess], [Application]; then the tests.
@NullMarked
package io.ztunnel.node;

import org.jspecify.annotations.NullMarked;
