/// Which address does a pod get for a name?
///
/// Facts: [Query], [UpstreamAnswer]. Decisions: [MeshNames] with [Aliases] for names of the mesh,
/// [SpecialNames] for those that no server is asked for. Actions: [DnsListener] takes questions,
/// [Answering] carries the decision out, [Forwarder] asks others. The bytes of names and records
/// are Netty's; [QueryReader] and [AnswerWriter] add what a server has to know beyond them.
///
/// May use: `worker`, `mesh`, `net`, `observe`.
/// Read in this order: [DnsSettings], [MeshNames], [Query], [Answering], [Forwarder], [Exchange],
/// [AnswerWriter], [DnsListener].
@NullMarked
package io.ztunnel.dns;

import org.jspecify.annotations.NullMarked;
