package io.ztunnel;

import io.ztunnel.config.ZtunnelConfig;
import io.ztunnel.feed.LocalFileContent;
import io.ztunnel.feed.LocalFileFeed;
import io.ztunnel.feed.LocalFileProblem;
import io.ztunnel.feed.MeshWriter;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledExecutorService;

/// What `LOCAL_XDS_PATH` or `LOCAL_XDS` adds to the mesh; a file is watched.
final class LocalMesh {
    private static final Logger LOG = LoggerFactory.getLogger(LocalMesh.class);

    /// How often the file is looked at.
    private static final Duration INTERVAL = Duration.ofMillis(500);

    private final MeshWriter mesh;
    private final ScheduledExecutorService meshThread;
    private LocalFileContent inForce = LocalFileContent.NONE;

    LocalMesh(MeshWriter mesh, ScheduledExecutorService meshThread) {
        this.mesh = mesh;
        this.meshThread = meshThread;
    }

    /// Loads and returns when it is published, so that nobody is told "ready" before.
    void load(ZtunnelConfig.@Nullable LocalSource source) throws IOException {
        try {
            switch (source) {
                case null -> {}
                case ZtunnelConfig.LocalSource.Inline inline ->
                        take(LocalFileContent.parse("LOCAL_XDS", inline.yaml()));
                case ZtunnelConfig.LocalSource.File file -> {
                    LocalFileFeed feed =
                            new LocalFileFeed(file.path(), this::take, LocalMesh::complain);
                    feed.load();
                    feed.watch(meshThread, INTERVAL);
                }
            }
            meshThread.submit(() -> {}).get();
        } catch (LocalFileProblem malformed) {
            throw new IOException(malformed.getMessage(), malformed);
        } catch (InterruptedException | ExecutionException unexpected) {
            throw new IOException("the mesh could not be loaded", unexpected);
        }
    }

    private void take(LocalFileContent content) {
        mesh.edit(
                delta -> {
                    content.replace(inForce, delta);
                    inForce = content;
                });
    }

    private static void complain(Exception problem) {
        LOG.error(
                "the local file is not taken, its last good version stays: {}",
                problem.getMessage());
    }
}
