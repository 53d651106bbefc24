/// What tests of this and of other modules share. Published as the test jar.
@NullMarked
package io.ztunnel.hbone.testkit;

import org.jspecify.annotations.NullMarked;
