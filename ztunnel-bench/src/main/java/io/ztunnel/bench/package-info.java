@NullMarked
package io.ztunnel.bench;

import org.jspecify.annotations.NullMarked;
