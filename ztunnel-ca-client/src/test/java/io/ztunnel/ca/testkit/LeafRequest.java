package io.ztunnel.ca.testkit;

import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.jspecify.annotations.Nullable;

import java.math.BigInteger;
import java.security.KeyPair;
import java.security.PublicKey;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/// What a leaf should look like: that of istiod (4.3), until a test asks for something else.
public final class LeafRequest {
    final List<GeneralName> names = new ArrayList<>();
    List<KeyPurposeId> purposes =
            List.of(KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth);
    Instant notBefore = Instant.now().minus(Duration.ofMinutes(2));
    Instant notAfter = Instant.now().plus(Duration.ofHours(24));
    @Nullable KeyPair keys;
    @Nullable PublicKey publicKey;
    @Nullable BigInteger serial;
    boolean authority;
    boolean garbledNames;

    private LeafRequest() {}

    /// A leaf for one identity; further names can be added.
    public static LeafRequest of(String... uris) {
        LeafRequest request = new LeafRequest();
        for (String uri : uris) {
            request.names.add(new GeneralName(GeneralName.uniformResourceIdentifier, uri));
        }
        return request;
    }

    public LeafRequest dns(String name) {
        names.add(new GeneralName(GeneralName.dNSName, name));
        return this;
    }

    public LeafRequest ip(String address) {
        names.add(new GeneralName(GeneralName.iPAddress, address));
        return this;
    }

    public LeafRequest valid(Instant from, Instant to) {
        notBefore = from;
        notAfter = to;
        return this;
    }

    /// For use as a server alone.
    public LeafRequest serverOnly() {
        purposes = List.of(KeyPurposeId.id_kp_serverAuth);
        return this;
    }

    /// For use as a client alone.
    public LeafRequest clientOnly() {
        purposes = List.of(KeyPurposeId.id_kp_clientAuth);
        return this;
    }

    /// Without extended key usage, which allows every use.
    public LeafRequest anyPurpose() {
        purposes = List.of();
        return this;
    }

    public LeafRequest keys(KeyPair pair) {
        keys = pair;
        return this;
    }

    public LeafRequest serial(long number) {
        serial = BigInteger.valueOf(number);
        return this;
    }

    /// With a subject alternative name that is no list of names.
    public LeafRequest garbledNames() {
        garbledNames = true;
        return this;
    }

    /// A leaf with the CA flag, which no peer may accept.
    public LeafRequest authority() {
        authority = true;
        return this;
    }
}
