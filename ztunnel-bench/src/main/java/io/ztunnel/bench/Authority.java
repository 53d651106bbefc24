package io.ztunnel.bench;

import java.nio.file.Path;

/// The local certificate authority that the ztunnels of a run ask.
///
/// @param address host and port, as a `CA_ADDRESS` has it
/// @param root file with the certificate to trust it by, PEM; the mesh's root too
record Authority(String address, Path root) {
    private static final int PORT = 15012;

    /// Starts it in the hub, in a process of its own, and waits until it is warm.
    static Authority start(Lab lab) {
        Pod hub = lab.hub();
        // Alone in a directory: a ztunnel watches it, and every other file that changes there would
        // make upstream's build its connection to the authority anew.
        Path root = lab.subdirectory("authority").resolve("root.pem");
        String port = Integer.toString(PORT);
        Agent.start(
                lab, "authority", hub, AuthorityMain.class, hub.address(), port, root.toString());
        return new Authority(hub.address() + ":" + PORT, root);
    }
}
