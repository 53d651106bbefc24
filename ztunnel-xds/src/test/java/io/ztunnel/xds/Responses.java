package io.ztunnel.xds;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;

import io.ztunnel.xds.proto.discovery.DeltaDiscoveryResponse;
import io.ztunnel.xds.proto.discovery.Resource;
import io.ztunnel.xds.proto.security.Authorization;
import io.ztunnel.xds.proto.workload.Address;
import io.ztunnel.xds.proto.workload.Workload;

import java.util.List;

/// Words for writing responses in tests.
public final class Responses {
    private Responses() {}

    public static DeltaDiscoveryResponse.Builder of(ResourceType<?> type, String nonce) {
        return DeltaDiscoveryResponse.newBuilder().setTypeUrl(type.typeUrl()).setNonce(nonce);
    }

    public static DeltaDiscoveryResponse addresses(String nonce, Resource... resources) {
        return of(ResourceType.ADDRESS, nonce).addAllResources(List.of(resources)).build();
    }

    public static DeltaDiscoveryResponse policies(String nonce, Resource... resources) {
        return of(ResourceType.AUTHORIZATION, nonce).addAllResources(List.of(resources)).build();
    }

    public static DeltaDiscoveryResponse gone(ResourceType<?> type, String nonce, String... names) {
        return of(type, nonce).addAllRemovedResources(List.of(names)).build();
    }

    public static Resource workload(String name, String version, String... aliases) {
        Address address =
                Address.newBuilder()
                        .setWorkload(Workload.newBuilder().setUid(name).setName(name))
                        .build();
        return resource(name, version, address.toByteString()).toBuilder()
                .addAllAliases(List.of(aliases))
                .build();
    }

    public static Resource policy(String name) {
        Authorization policy = Authorization.newBuilder().setName(name).setNamespace("ns").build();
        return resource("ns/" + name, "", policy.toByteString());
    }

    public static Resource resource(String name, String version, ByteString content) {
        return Resource.newBuilder()
                .setName(name)
                .setVersion(version)
                .setResource(Any.newBuilder().setTypeUrl("ignored").setValue(content))
                .build();
    }

    /// Bytes that are no message at all.
    public static Resource garbage(String name, String version) {
        return resource(name, version, ByteString.copyFrom(new byte[] {(byte) 0xff}));
    }
}
