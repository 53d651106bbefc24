/// What does a start-up cache learn from?
///
/// A JVM that records an AOT cache keeps the classes that were loaded (JEP 483, JEP 514). A daemon
/// that only starts teaches it nothing about connections, so the first connection of every fresh
/// daemon would wait for a thousand classes. Here a daemon is started as anybody would start one,
/// with a certificate authority of the test kit, and is talked through from end to end before it is
/// asked to stop.
///
/// Needs no privileges and no namespaces, so that it can run while an image is built: clients come
/// by SOCKS5 instead of by redirection, and every address is a loopback one.
@NullMarked
package io.ztunnel.rehearsal;

import org.jspecify.annotations.NullMarked;
