package io.ztunnel.worker;

/// The Kubernetes UID of a pod; in dedicated mode a fixed text.
public record PodUid(String text) {

    @Override
    public String toString() {
        return text;
    }
}
