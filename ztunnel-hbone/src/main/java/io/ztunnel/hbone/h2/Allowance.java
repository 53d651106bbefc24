package io.ztunnel.hbone.h2;

/// How often a peer may do something that costs us and gains it nothing: a bucket of tokens.
///
/// Starts full; refills with time and when [#grant] says that work of ours invites an answer.
public final class Allowance {

    private final long capacity;
    private final long nanosPerToken;
    private long tokens;
    private long refilledAt;

    /// @param capacity most events at once
    /// @param perSecond events per second that are fine for ever, at least 1
    public Allowance(int capacity, int perSecond, long nowNanos) {
        this.capacity = capacity;
        this.nanosPerToken = 1_000_000_000L / perSecond;
        this.tokens = capacity;
        this.refilledAt = nowNanos;
    }

    /// Takes one token; false when there is none, which means the peer is misbehaving.
    public boolean take(long nowNanos) {
        if (tokens == 0) {
            long earned = (nowNanos - refilledAt) / nanosPerToken;
            if (earned <= 0) {
                return false;
            }
            tokens = Math.min(capacity, earned);
            refilledAt = nowNanos;
        }
        tokens--;
        return true;
    }

    /// Adds tokens for something we did.
    public void grant(int count) {
        tokens = Math.min(capacity, tokens + count);
    }
}
