@NullMarked
package io.ztunnel;

import org.jspecify.annotations.NullMarked;
