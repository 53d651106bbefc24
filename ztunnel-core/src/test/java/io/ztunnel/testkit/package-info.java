/// A small world of nodes and pods made of network namespaces, and the tools to live in it.
///
/// For tests tagged `netns` and for the demo; needs root, removes everything it made.
/// Addresses and rules: docs/spec/inpod-and-deployment.md 3 and 4.
///
/// Read in this order: [NetnsWorld], [Node], [Pod], [Redirection].
@NullMarked
package io.ztunnel.testkit;

import org.jspecify.annotations.NullMarked;
