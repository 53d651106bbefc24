/// The words our tests are written in: a mesh in a few lines, and a small world of nodes and pods
/// made of network namespaces, with the tools to live in it.
///
/// What makes namespaces is for tests tagged `netns`, the demo and the benchmark; it needs root and
/// removes everything it made. Addresses and rules: docs/spec/inpod-and-deployment.md 3 and 4.
///
/// Read in this order: [MeshKit], [PolicyText]; then [NetnsWorld], [Node], [Pod], [Redirection],
/// [DnsServer].
@NullMarked
package io.ztunnel.testkit;

import org.jspecify.annotations.NullMarked;
