/// How can a large collection have many versions at once?
///
/// Immutable collections that share structure: a change copies the path to it, O(log n), and leaves
/// all earlier versions as they were. Nothing here knows what it holds.
///
/// May use: nothing of ours.
/// Read in this order: [PersistentMap], [PrefixTrie], [OneOrMany].
@NullMarked
package io.ztunnel.mesh.persistent;

import org.jspecify.annotations.NullMarked;
