@NullMarked
package io.ztunnel.ca;

import org.jspecify.annotations.NullMarked;
