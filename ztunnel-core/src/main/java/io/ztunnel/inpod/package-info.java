/// Which pods of this node are ours to serve?
///
/// The conversation with the CNI node agent (docs/spec/inpod-and-deployment.md 1): it says which
/// pods there are and hands over their network namespaces; we answer when their listeners are
/// bound. What follows from a message is decided by [PodRegistry] without touching anything, and
/// carried out by [PodSupervisor]. Everything lives on the thread `zt-inpod`. Opens no socket in a
/// pod itself.
///
/// May use: `io.ztunnel.pod`, `worker` (the names of a pod), `observe` (what a scrape is
/// told), `net`, `net.linux`, `lifecycle`. Read
/// in this order: [ZdsMessage], [ZdsCodec], [PodRegistry], [PodAction], [PodSupervisor],
/// [ZdsConversation].
@NullMarked
package io.ztunnel.inpod;

import org.jspecify.annotations.NullMarked;
