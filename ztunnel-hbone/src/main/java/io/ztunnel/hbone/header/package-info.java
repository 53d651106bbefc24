/// What do the headers of a CONNECT say?
///
/// Values with their text form both ways (`docs/spec/dataplane.md` 2.4 and 3.6). Parsing never
/// throws: headers come from peers, and what cannot be read counts as absent. No I/O.
///
/// May use: nothing of ours.
@NullMarked
package io.ztunnel.hbone.header;

import org.jspecify.annotations.NullMarked;
