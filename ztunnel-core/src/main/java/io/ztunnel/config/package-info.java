/// What was asked for?
///
/// The environment, `PROXY_CONFIG` and the mesh file are read once, into records; every problem is
/// reported at once. No other package reads the environment.
///
/// May use: the settings records of the parts. Imported by the root package alone.
/// Read in this order: [Setting], [ConfigReader], [ZtunnelConfig].
@NullMarked
package io.ztunnel.config;

import org.jspecify.annotations.NullMarked;
