package io.ztunnel.xds;

import com.google.protobuf.Parser;

import io.ztunnel.xds.proto.security.Authorization;
import io.ztunnel.xds.proto.workload.Address;

/// A kind of resource: its name on the wire and how its bytes are read.
///
/// @param typeUrl as in `DeltaDiscoveryResponse.type_url`; the type URL inside a resource is not
///     looked at (docs/spec/control-plane.md 1.1)
public record ResourceType<T>(String typeUrl, Parser<T> parser) {
    /// Workloads and services, which share one space of names.
    public static final ResourceType<Address> ADDRESS =
            new ResourceType<>("type.googleapis.com/istio.workload.Address", Address.parser());

    /// L4 authorization policies.
    public static final ResourceType<Authorization> AUTHORIZATION =
            new ResourceType<>(
                    "type.googleapis.com/istio.security.Authorization", Authorization.parser());

    @Override
    public String toString() {
        return typeUrl.substring(typeUrl.lastIndexOf('/') + 1);
    }
}
