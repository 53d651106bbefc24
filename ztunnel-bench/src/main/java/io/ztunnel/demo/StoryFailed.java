package io.ztunnel.demo;

/// A claim of the story did not hold.
final class StoryFailed extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String evidence;

    StoryFailed(String claim, String evidence) {
        super(claim);
        this.evidence = evidence;
    }

    /// What was seen instead.
    String evidence() {
        return evidence;
    }
}
