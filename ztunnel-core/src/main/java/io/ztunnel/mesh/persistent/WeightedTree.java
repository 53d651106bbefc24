package io.ztunnel.mesh.persistent;

import org.jspecify.annotations.Nullable;

import java.util.function.Consumer;
import java.util.function.Function;

/// A persistent weight-balanced search tree that knows the sum of the weights below each node, so
/// that a weighted draw from any range of the order takes O(log n) steps and no list.
///
/// Balance after Hirai and Yamamoto ("Balancing weight-balanced trees", 2011) with the parameters 3
/// and 2: no subtree is more than three times as large as its sibling. Null is the empty tree. Half
/// of all nodes are leaves, which hold their item and nothing else.
public abstract sealed class WeightedTree<T> {
    private static final int DELTA = 3;
    private static final int RATIO = 2;

    /// How items are ordered and what they weigh.
    public interface Order<T> {
        int compare(T left, T right);

        /// 0 or more.
        long weight(T item);
    }

    /// A range of the order, given by a probe and how closely items have to be like it; both are
    /// handed through so that asking makes no object.
    public interface Range<T, P> {
        /// Negative for items below the range, 0 within, positive above.
        int side(T item, P probe, int depth);
    }

    final T item;

    private WeightedTree(T item) {
        this.item = item;
    }

    private static final class Leaf<T> extends WeightedTree<T> {
        private Leaf(T item) {
            super(item);
        }
    }

    private static final class Branch<T> extends WeightedTree<T> {
        private final @Nullable WeightedTree<T> left;
        private final @Nullable WeightedTree<T> right;
        private final int size;
        private final long weight;

        private Branch(
                @Nullable WeightedTree<T> left,
                T item,
                @Nullable WeightedTree<T> right,
                Order<T> order) {
            super(item);
            this.left = left;
            this.right = right;
            this.size = size(left) + 1 + size(right);
            this.weight = weight(left, order) + order.weight(item) + weight(right, order);
        }
    }

    public static int size(@Nullable WeightedTree<?> tree) {
        return switch (tree) {
            case null -> 0;
            case Leaf<?> _ -> 1;
            case Branch<?> branch -> branch.size;
        };
    }

    public static <T> long weight(@Nullable WeightedTree<T> tree, Order<T> order) {
        return switch (tree) {
            case null -> 0;
            case Leaf<T> leaf -> order.weight(leaf.item);
            case Branch<T> branch -> branch.weight;
        };
    }

    private static <T> @Nullable WeightedTree<T> left(WeightedTree<T> tree) {
        return tree instanceof Branch<T> branch ? branch.left : null;
    }

    private static <T> @Nullable WeightedTree<T> right(WeightedTree<T> tree) {
        return tree instanceof Branch<T> branch ? branch.right : null;
    }

    private static <T> WeightedTree<T> node(
            @Nullable WeightedTree<T> left,
            T item,
            @Nullable WeightedTree<T> right,
            Order<T> order) {
        return left == null && right == null
                ? new Leaf<>(item)
                : new Branch<>(left, item, right, order);
    }

    /// The item that is equal in the order, or null.
    public static <T> @Nullable T get(@Nullable WeightedTree<T> tree, T item, Order<T> order) {
        WeightedTree<T> at = tree;
        while (at != null) {
            int side = order.compare(item, at.item);
            if (side == 0) {
                return at.item;
            }
            at = side < 0 ? left(at) : right(at);
        }
        return null;
    }

    /// With the item added, or put in place of the one that is equal in the order.
    public static <T> WeightedTree<T> with(@Nullable WeightedTree<T> tree, T item, Order<T> order) {
        if (tree == null) {
            return new Leaf<>(item);
        }
        int side = order.compare(item, tree.item);
        if (side == 0) {
            return node(left(tree), item, right(tree), order);
        }
        return side < 0
                ? balanced(with(left(tree), item, order), tree.item, right(tree), order)
                : balanced(left(tree), tree.item, with(right(tree), item, order), order);
    }

    public static <T> @Nullable WeightedTree<T> without(
            @Nullable WeightedTree<T> tree, T item, Order<T> order) {
        if (tree == null) {
            return null;
        }
        WeightedTree<T> left = left(tree);
        WeightedTree<T> right = right(tree);
        int side = order.compare(item, tree.item);
        if (side < 0) {
            return balanced(without(left, item, order), tree.item, right, order);
        }
        if (side > 0) {
            return balanced(left, tree.item, without(right, item, order), order);
        }
        if (left == null || right == null) {
            return left == null ? right : left;
        }
        WeightedTree<T> next = right;
        for (WeightedTree<T> down = left(next); down != null; down = left(next)) {
            next = down;
        }
        return balanced(left, next.item, withoutFirst(right, order), order);
    }

    private static <T> @Nullable WeightedTree<T> withoutFirst(
            WeightedTree<T> tree, Order<T> order) {
        WeightedTree<T> left = left(tree);
        return left == null
                ? right(tree)
                : balanced(withoutFirst(left, order), tree.item, right(tree), order);
    }

    private static <T> WeightedTree<T> balanced(
            @Nullable WeightedTree<T> left,
            T middle,
            @Nullable WeightedTree<T> right,
            Order<T> order) {
        int leftSize = size(left);
        int rightSize = size(right);
        if (leftSize + rightSize > 1) {
            if (right != null && rightSize > DELTA * leftSize) {
                return turnedLeft(left, middle, right, order);
            }
            if (left != null && leftSize > DELTA * rightSize) {
                return turnedRight(left, middle, right, order);
            }
        }
        return node(left, middle, right, order);
    }

    private static <T> WeightedTree<T> turnedLeft(
            @Nullable WeightedTree<T> left, T middle, WeightedTree<T> right, Order<T> order) {
        WeightedTree<T> inner = left(right);
        WeightedTree<T> outer = right(right);
        if (inner == null || size(inner) < RATIO * size(outer)) {
            return node(node(left, middle, inner, order), right.item, outer, order);
        }
        return node(
                node(left, middle, left(inner), order),
                inner.item,
                node(right(inner), right.item, outer, order),
                order);
    }

    private static <T> WeightedTree<T> turnedRight(
            WeightedTree<T> left, T middle, @Nullable WeightedTree<T> right, Order<T> order) {
        WeightedTree<T> inner = right(left);
        WeightedTree<T> outer = left(left);
        if (inner == null || size(inner) < RATIO * size(outer)) {
            return node(outer, left.item, node(inner, middle, right, order), order);
        }
        return node(
                node(outer, left.item, left(inner), order),
                inner.item,
                node(right(inner), middle, right, order),
                order);
    }

    /// Whether any item lies within a range.
    public static <T, P> boolean contains(
            @Nullable WeightedTree<T> tree, Range<T, P> range, P probe, int depth) {
        WeightedTree<T> at = tree;
        while (at != null) {
            int side = range.side(at.item, probe, depth);
            if (side == 0) {
                return true;
            }
            at = side > 0 ? left(at) : right(at);
        }
        return false;
    }

    /// The sum of the weights of all items below a range.
    public static <T, P> long below(
            @Nullable WeightedTree<T> tree, Range<T, P> range, P probe, int depth, Order<T> order) {
        return upTo(tree, range, probe, depth, order, -1);
    }

    /// The sum of the weights of all items below a range or in it.
    public static <T, P> long belowEndOf(
            @Nullable WeightedTree<T> tree, Range<T, P> range, P probe, int depth, Order<T> order) {
        return upTo(tree, range, probe, depth, order, 0);
    }

    private static <T, P> long upTo(
            @Nullable WeightedTree<T> tree,
            Range<T, P> range,
            P probe,
            int depth,
            Order<T> order,
            int last) {
        long sum = 0;
        WeightedTree<T> at = tree;
        while (at != null) {
            if (range.side(at.item, probe, depth) > last) {
                at = left(at);
            } else {
                WeightedTree<T> right = right(at);
                sum += weight(at, order) - weight(right, order);
                at = right;
            }
        }
        return sum;
    }

    /// The item at a position of the summed weights, counted in the order.
    ///
    /// @param position 0 to the weight of the tree, exclusive
    public static <T> T at(WeightedTree<T> tree, long position, Order<T> order) {
        WeightedTree<T> at = tree;
        long rest = position;
        while (at instanceof Branch<T> branch) {
            long before = weight(branch.left, order);
            if (branch.left != null && rest < before) {
                at = branch.left;
                continue;
            }
            rest -= before;
            if (branch.right == null) {
                break;
            }
            long own = branch.weight - before - weight(branch.right, order);
            if (rest < own) {
                break;
            }
            rest -= own;
            at = branch.right;
        }
        return at.item;
    }

    /// What a question first answers other than null, asked about the items in their order; those
    /// without weight are not asked about.
    public static <T, R> @Nullable R first(
            @Nullable WeightedTree<T> tree, Function<T, @Nullable R> question, Order<T> order) {
        if (tree == null || weight(tree, order) == 0) {
            return null;
        }
        R found = first(left(tree), question, order);
        if (found == null && order.weight(tree.item) > 0) {
            found = question.apply(tree.item);
        }
        return found != null ? found : first(right(tree), question, order);
    }

    public static <T> void forEach(@Nullable WeightedTree<T> tree, Consumer<? super T> action) {
        if (tree != null) {
            forEach(left(tree), action);
            action.accept(tree.item);
            forEach(right(tree), action);
        }
    }
}
