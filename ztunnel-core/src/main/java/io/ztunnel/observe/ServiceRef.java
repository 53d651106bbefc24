package io.ztunnel.observe;

import io.ztunnel.mesh.Service;

/// The service a connection was meant for; each part may be empty.
public record ServiceRef(String hostname, String namespace, String name) {

    public static ServiceRef of(Service service) {
        return new ServiceRef(service.hostname(), service.namespace(), service.name());
    }
}
