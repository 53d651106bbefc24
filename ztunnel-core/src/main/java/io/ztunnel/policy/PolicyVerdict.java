package io.ztunnel.policy;

import org.jspecify.annotations.Nullable;

import java.util.List;

/// What the policies say about one connection, and which of them said it
/// (docs/spec/control-plane.md 5.2). Immutable; the verdicts of policies without dry-run ones are
/// made when policies change, so giving one allocates nothing.
public sealed interface PolicyVerdict {

    /// What policies in dry run would have done.
    DryRun dryRun();

    /// Keys that the workload lists and that no policy has.
    List<String> unknownPolicies();

    /// @param by the key of the ALLOW policy that matched, null where there is none at all
    record Allowed(
            @Nullable String by, @Override DryRun dryRun, @Override List<String> unknownPolicies)
            implements PolicyVerdict {}

    /// @param policy the key of a DENY policy that matched
    record DeniedBy(String policy, @Override DryRun dryRun, @Override List<String> unknownPolicies)
            implements PolicyVerdict {}

    /// There are ALLOW policies, and none of them matched.
    record NotAllowed(@Override DryRun dryRun, @Override List<String> unknownPolicies)
            implements PolicyVerdict {}

    /// Nothing known speaks against it, but a policy that the workload lists is not known, and we
    /// were told to let nobody in then.
    record Undecided(@Override DryRun dryRun, @Override List<String> unknownPolicies)
            implements PolicyVerdict {}

    /// @param denied keys of the DENY policies that would have matched
    /// @param allowed keys of the ALLOW policies that would have matched
    /// @param noneAllowed whether there are only ALLOW policies in dry run and none matched: a
    ///     would-be denial
    record DryRun(List<String> denied, List<String> allowed, boolean noneAllowed) {
        public static final DryRun NONE = new DryRun(List.of(), List.of(), false);
    }

    default boolean allows() {
        return this instanceof Allowed;
    }

    /// The reason, as the reference words it.
    default String text() {
        return switch (this) {
            case Allowed(var by, _, _) ->
                    by == null ? "no allow policies, allow" : "allow policy match";
            case DeniedBy(var policy, _, _) -> "explicitly denied by: " + policy;
            case NotAllowed _ -> "allow policies exist, but none allowed";
            case Undecided _ -> "policy not known: " + String.join(", ", unknownPolicies());
        };
    }
}
