package io.ztunnel.worker;

/// Is told of every new state of the mesh (door).
public interface MeshSubscriber {

    /// Called on `zt-mesh`, in order; must return at once. On joining everything known is handed
    /// over. May keep what it likes, because nothing in a publication ever changes.
    void onMesh(Publication publication);
}
