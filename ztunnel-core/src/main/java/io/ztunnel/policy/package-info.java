/// May this peer connect?
///
/// Policies are compiled where they change and judged where connections arrive. No sockets, no
/// clocks, no logging: a verdict carries its reason.
///
/// May use: `io.ztunnel.mesh`, `io.ztunnel.mesh.persistent`.
/// Read in this order: [ConnectionFacts], [PolicyJudge], [PolicyVerdict]; then [CompiledPolicies].
@NullMarked
package io.ztunnel.policy;

import org.jspecify.annotations.NullMarked;
