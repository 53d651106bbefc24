package io.ztunnel.worker;

/// Gets every publication, in order, on the writer's thread. Must return at once and may keep what
// it
/// gets, because nothing in it changes.
public interface MeshSubscriber {

    void onMesh(Publication publication);
}
