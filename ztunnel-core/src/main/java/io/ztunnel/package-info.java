/// Who puts it all together?
///
/// [Main] reads the command line, [Daemon] starts the parts and ends them. Everything else is in
/// the packages below; docs/ARCHITECTURE.md draws them.
@NullMarked
package io.ztunnel;

import org.jspecify.annotations.NullMarked;
