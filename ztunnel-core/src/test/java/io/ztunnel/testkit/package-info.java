/// The words our tests are written in, and a small world of nodes and pods made of network
/// namespaces.
///
/// The world is for tests tagged `netns` and for the demo; needs root, removes everything it made.
/// Addresses and rules: docs/spec/inpod-and-deployment.md 3 and 4.
///
/// Read in this order: [MeshKit], [PolicyText]; then [NetnsWorld], [Node], [Pod], [Redirection].
@NullMarked
package io.ztunnel.testkit;

import org.jspecify.annotations.NullMarked;
