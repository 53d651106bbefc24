package io.ztunnel.feed;

/// A resource that has no meaning here. The text says which field and why; it goes to the control
/// plane.
final class Untranslatable extends Exception {

    Untranslatable(String reason) {
        // Without a stack trace: a hostile or newer control plane can cause many of these.
        super(reason, null, false, false);
    }

    /// The reason; unlike a message it is never absent.
    String reason() {
        return String.valueOf(getMessage());
    }
}
