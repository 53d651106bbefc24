package io.ztunnel.mesh;

import org.jspecify.annotations.Nullable;

import java.util.function.Consumer;

/// A persistent weight-balanced search tree of workloads that knows the sum of the capacities below
/// each node, so that a weighted draw from any range of the order takes O(log n) steps and no list.
///
/// Balance after Hirai and Yamamoto ("Balancing weight-balanced trees", 2011) with the parameters
/// 3 and 2: no subtree is more than three times as large as its sibling. Null is the empty tree.
final class EndpointTree {
    private static final int DELTA = 3;
    private static final int RATIO = 2;

    private final Workload workload;
    private final @Nullable EndpointTree left;
    private final @Nullable EndpointTree right;
    private final int size;
    private final long weight;

    private EndpointTree(
            @Nullable EndpointTree left, Workload workload, @Nullable EndpointTree right) {
        this.left = left;
        this.workload = workload;
        this.right = right;
        this.size = size(left) + 1 + size(right);
        this.weight = weight(left) + capacity(workload) + weight(right);
    }

    static int size(@Nullable EndpointTree tree) {
        return tree == null ? 0 : tree.size;
    }

    private static long weight(@Nullable EndpointTree tree) {
        return tree == null ? 0 : tree.weight;
    }

    private static long capacity(Workload workload) {
        return Integer.toUnsignedLong(workload.capacity());
    }

    /// With the workload added, or put in place of the one at the same position.
    static EndpointTree with(@Nullable EndpointTree tree, Workload added, EndpointOrder order) {
        if (tree == null) {
            return new EndpointTree(null, added, null);
        }
        int side = order.compare(added, tree.workload);
        if (side == 0) {
            return new EndpointTree(tree.left, added, tree.right);
        }
        return side < 0
                ? balanced(with(tree.left, added, order), tree.workload, tree.right)
                : balanced(tree.left, tree.workload, with(tree.right, added, order));
    }

    static @Nullable EndpointTree without(
            @Nullable EndpointTree tree, Workload removed, EndpointOrder order) {
        if (tree == null) {
            return null;
        }
        int side = order.compare(removed, tree.workload);
        if (side < 0) {
            return balanced(without(tree.left, removed, order), tree.workload, tree.right);
        }
        if (side > 0) {
            return balanced(tree.left, tree.workload, without(tree.right, removed, order));
        }
        if (tree.left == null || tree.right == null) {
            return tree.left == null ? tree.right : tree.left;
        }
        EndpointTree next = tree.right;
        while (next.left != null) {
            next = next.left;
        }
        return balanced(tree.left, next.workload, withoutFirst(tree.right));
    }

    private static @Nullable EndpointTree withoutFirst(EndpointTree tree) {
        return tree.left == null
                ? tree.right
                : balanced(withoutFirst(tree.left), tree.workload, tree.right);
    }

    private static EndpointTree balanced(
            @Nullable EndpointTree left, Workload middle, @Nullable EndpointTree right) {
        int leftSize = size(left);
        int rightSize = size(right);
        if (leftSize + rightSize > 1) {
            if (right != null && rightSize > DELTA * leftSize) {
                return leaningRight(left, middle, right);
            }
            if (left != null && leftSize > DELTA * rightSize) {
                return leaningLeft(left, middle, right);
            }
        }
        return new EndpointTree(left, middle, right);
    }

    private static EndpointTree leaningRight(
            @Nullable EndpointTree left, Workload middle, EndpointTree right) {
        EndpointTree inner = right.left;
        if (inner == null || size(inner) < RATIO * size(right.right)) {
            return new EndpointTree(
                    new EndpointTree(left, middle, inner), right.workload, right.right);
        }
        return new EndpointTree(
                new EndpointTree(left, middle, inner.left),
                inner.workload,
                new EndpointTree(inner.right, right.workload, right.right));
    }

    private static EndpointTree leaningLeft(
            EndpointTree left, Workload middle, @Nullable EndpointTree right) {
        EndpointTree inner = left.right;
        if (inner == null || size(inner) < RATIO * size(left.left)) {
            return new EndpointTree(
                    left.left, left.workload, new EndpointTree(inner, middle, right));
        }
        return new EndpointTree(
                new EndpointTree(left.left, left.workload, inner.left),
                inner.workload,
                new EndpointTree(inner.right, middle, right));
    }

    /// The largest number of leading scopes that any workload here has in common with the client.
    /// It is found beside the place where the client itself would stand.
    int closest(Workload client, EndpointOrder order) {
        int best = 0;
        for (EndpointTree tree = this; tree != null && best < order.depth(); ) {
            best = Math.max(best, order.common(client, tree.workload));
            tree = order.compare(client, tree.workload) < 0 ? tree.left : tree.right;
        }
        return best;
    }

    /// The capacities of all workloads with the first `depth` scopes of the client, summed up.
    long weight(Workload client, EndpointOrder order, int depth) {
        EndpointTree top = top(client, order, depth);
        return top == null
                ? 0
                : top.leftWeight(client, order, depth)
                        + capacity(top.workload)
                        + top.rightWeight(client, order, depth);
    }

    /// The workload at a position within the range of [#weight].
    ///
    /// @param at 0 to the weight of the range, exclusive
    Workload at(long at, Workload client, EndpointOrder order, int depth) {
        EndpointTree top = top(client, order, depth);
        if (top == null) {
            throw new IllegalStateException("the range is empty");
        }
        long before = top.leftWeight(client, order, depth);
        if (at >= before && at < before + capacity(top.workload)) {
            return top.workload;
        }
        boolean low = at < before;
        // On the way out, count from the end that is inside the range, where subtrees are complete.
        long rest = low ? before - 1 - at : at - before - capacity(top.workload);
        for (EndpointTree tree = low ? top.left : top.right; tree != null; ) {
            if (order.comparePrefix(tree.workload, client, depth) != 0) {
                tree = low ? tree.right : tree.left;
                continue;
            }
            EndpointTree whole = low ? tree.right : tree.left;
            if (whole != null && rest < whole.weight) {
                return whole.at(low ? whole.weight - 1 - rest : rest);
            }
            rest -= weight(whole);
            if (rest < capacity(tree.workload)) {
                return tree.workload;
            }
            rest -= capacity(tree.workload);
            tree = low ? tree.left : tree.right;
        }
        throw new IllegalArgumentException("position " + at + " is outside the range");
    }

    private Workload at(long position) {
        EndpointTree tree = this;
        long rest = position;
        while (true) {
            long before = weight(tree.left);
            if (tree.left != null && rest < before) {
                tree = tree.left;
                continue;
            }
            rest -= before;
            if (tree.right == null || rest < capacity(tree.workload)) {
                return tree.workload;
            }
            rest -= capacity(tree.workload);
            tree = tree.right;
        }
    }

    private @Nullable EndpointTree top(Workload client, EndpointOrder order, int depth) {
        EndpointTree tree = this;
        while (tree != null) {
            int side = order.comparePrefix(client, tree.workload, depth);
            if (side == 0) {
                return tree;
            }
            tree = side < 0 ? tree.left : tree.right;
        }
        return null;
    }

    private long leftWeight(Workload client, EndpointOrder order, int depth) {
        if (depth == 0) {
            return weight(left);
        }
        long sum = 0;
        for (EndpointTree tree = left; tree != null; ) {
            if (order.comparePrefix(tree.workload, client, depth) == 0) {
                sum += capacity(tree.workload) + weight(tree.right);
                tree = tree.left;
            } else {
                tree = tree.right;
            }
        }
        return sum;
    }

    private long rightWeight(Workload client, EndpointOrder order, int depth) {
        if (depth == 0) {
            return weight(right);
        }
        long sum = 0;
        for (EndpointTree tree = right; tree != null; ) {
            if (order.comparePrefix(tree.workload, client, depth) == 0) {
                sum += capacity(tree.workload) + weight(tree.left);
                tree = tree.right;
            } else {
                tree = tree.left;
            }
        }
        return sum;
    }

    static void forEach(@Nullable EndpointTree tree, Consumer<? super Workload> action) {
        if (tree != null) {
            forEach(tree.left, action);
            action.accept(tree.workload);
            forEach(tree.right, action);
        }
    }
}
