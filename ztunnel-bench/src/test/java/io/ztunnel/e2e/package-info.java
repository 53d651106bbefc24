/// Whole daemons in trouble: callers that break rules, authorities that fail, bad settings, too few
/// descriptors, and another ztunnel at the other end.
///
/// The laboratory is that of [io.ztunnel.node], where also the conversations that go well are
/// tested. Read first: [HouseCa], [DirectCaller].
@NullMarked
package io.ztunnel.e2e;

import org.jspecify.annotations.NullMarked;
