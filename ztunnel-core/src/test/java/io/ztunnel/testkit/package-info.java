/// The words our tests are written in.
///
/// Read in this order: [MeshKit], [PolicyText].
@NullMarked
package io.ztunnel.testkit;

import org.jspecify.annotations.NullMarked;
