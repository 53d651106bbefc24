/// Whole daemons as processes, in namespaces, with real applications that know nothing of them.
///
/// [MeshLab] is for a daemon in each pod, [NodeLab] for one on each node; a [Passage] leads from
/// either into the test.
///
/// Read in this order: [MeshLab], [MeshText], [DaemonProcess], [Application]; [NodeLab],
/// [NodeDaemon], [HbonePeer]; then the tests.
@NullMarked
package io.ztunnel.node;

import org.jspecify.annotations.NullMarked;
