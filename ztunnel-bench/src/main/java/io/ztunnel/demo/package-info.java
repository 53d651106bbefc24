/// What does it feel like to adopt this mesh?
///
/// One command that tells the story with real pods made of network namespaces, and checks every
/// sentence of it. Ends with status 0 only when all of them held.
///
/// May use: the test kits `io.ztunnel.testkit` and `io.ztunnel.ca.testkit`; the daemon only as a
/// process.
/// Read in this order: [Demo], [Story], [Stage].
@NullMarked
package io.ztunnel.demo;

import org.jspecify.annotations.NullMarked;
