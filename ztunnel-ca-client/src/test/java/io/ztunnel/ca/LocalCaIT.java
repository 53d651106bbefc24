package io.ztunnel.ca;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;

import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import io.ztunnel.ca.proto.IstioCertificateRequest;
import io.ztunnel.ca.proto.IstioCertificateServiceGrpc;
import io.ztunnel.ca.testkit.IssuingCa;
import io.ztunnel.ca.testkit.LocalCa;
import io.ztunnel.ca.testkit.NodeAuthorizer.Caller;
import io.ztunnel.ca.testkit.NodeAuthorizer.Pod;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.List;

/// The local CA says yes and no where istiod does (docs/spec/identity-and-tls.md 9.6).
@Timeout(60)
class LocalCaIT {
    private static final String SLEEP = "spiffe://cluster.local/ns/ns1/sa/sleep";

    private final IssuingCa root = IssuingCa.root("O=cluster.local");
    private LocalCa ca;
    private ManagedChannel channel;

    @BeforeEach
    void start() throws Exception {
        ca = LocalCa.start(root);
        token("good", "Kubernetes", "istio-system", "ztunnel", "zt-1", "uid-1");
        pod("Kubernetes", "istio-system", "zt-1", "uid-1", "ztunnel", "node1");
        pod("Kubernetes", "ns1", "sleep-1", "uid-2", "sleep", "node1");
        channel =
                NettyChannelBuilder.forAddress("localhost", ca.port())
                        .sslContext(
                                GrpcSslContexts.forClient()
                                        .trustManager(root.certificate())
                                        .build())
                        .build();
    }

    @AfterEach
    void stop() {
        channel.shutdownNow();
        ca.close();
    }

    private void token(
            String token, String cluster, String ns, String account, String pod, String uid) {
        ca.authorizer().tokens.put(token, new Caller(cluster, ns, account, pod, uid));
    }

    private void pod(
            String cluster, String ns, String name, String uid, String account, String node) {
        ca.authorizer().pods.add(new Pod(cluster, ns, name, uid, account, node));
    }

    private List<String> call(
            @Nullable String authorization,
            @Nullable String cluster,
            @Nullable String identity,
            String csr,
            long ttl) {
        Metadata headers = new Metadata();
        if (authorization != null) {
            headers.put(key("authorization"), authorization);
        }
        if (cluster != null) {
            headers.put(key("clusterid"), cluster);
        }
        var request = IstioCertificateRequest.newBuilder().setCsr(csr).setValidityDuration(ttl);
        if (identity != null) {
            request.setMetadata(
                    Struct.newBuilder()
                            .putFields(
                                    "ImpersonatedIdentity",
                                    Value.newBuilder().setStringValue(identity).build()));
        }
        return IstioCertificateServiceGrpc.newBlockingStub(channel)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                .createCertificate(request.build())
                .getCertChainList();
    }

    private static Metadata.Key<String> key(String name) {
        return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
    }

    private static String csr() throws Exception {
        return SigningRequest.of(SLEEP).pem();
    }

    private List<String> impersonate(String token, String cluster, String identity)
            throws Exception {
        return call("Bearer " + token, cluster, identity, csr(), 3600);
    }

    private Status refusedImpersonation(String token, String cluster, String identity)
            throws Exception {
        try {
            impersonate(token, cluster, identity);
            throw new AssertionError("expected a refusal");
        } catch (StatusRuntimeException e) {
            return e.getStatus();
        }
    }

    private String reason(String token, String cluster, String identity) throws Exception {
        Status status = refusedImpersonation(token, cluster, identity);
        assertThat(status.getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
        return ca.refusals().getLast();
    }

    private Status refused(@Nullable String authorization, String csr, long ttl) {
        try {
            call(authorization, "Kubernetes", SLEEP, csr, ttl);
            throw new AssertionError("expected a refusal");
        } catch (StatusRuntimeException e) {
            return e.getStatus();
        }
    }

    @Test
    void E109_nobodyOrAWrongToken() throws Exception {
        assertThat(refused(null, csr(), 1).getDescription())
                .isEqualTo("request authenticate failure");
        Status wrong = refused("Bearer wrong", csr(), 1);
        assertThat(wrong.getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
    }

    @Test
    void E110_faultsInsideTheCa() throws Exception {
        ca.refuse(Status.INTERNAL.withDescription("CA not ready"));
        assertThat(refused("Bearer good", csr(), 1).getCode()).isEqualTo(Status.Code.INTERNAL);
    }

    @Test
    void E111_badRequestsAndLifetimes() throws Exception {
        assertThat(refused("Bearer good", "no request", 1).getCode())
                .isEqualTo(Status.Code.INVALID_ARGUMENT);
        Status ttl = refused("Bearer good", csr(), 2400 * 3600);
        assertThat(ttl.getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
        assertThat(ttl.getDescription())
                .isEqualTo(
                        "CSR signing error (requested TTL 2400h0m0s is greater than the max"
                                + " allowed TTL 2160h0m0s)");
    }

    @Test
    void E112_chainCertificatesAreElementsOfTheirOwn() throws Exception {
        IssuingCa upper = root.intermediate("CN=upper");
        ca.rotate(upper);
        assertThat(impersonate("good", "Kubernetes", SLEEP)).hasSize(3);
        ca.rotate(upper.intermediate("CN=lower"));
        assertThat(impersonate("good", "Kubernetes", SLEEP)).hasSize(4);
    }

    @Test
    void E113_E118_nobodyIsTrusted() throws Exception {
        ca.authorizer().trustedAccounts.clear();
        assertThat(reason("good", "Kubernetes", SLEEP)).contains("impersonation not allowed");
    }

    @Test
    void E118_theCallerIsNotTrusted() throws Exception {
        token("app", "Kubernetes", "ns1", "sleep", "sleep-1", "uid-2");
        assertThat(reason("app", "Kubernetes", SLEEP)).contains("not allowed to impersonate");
    }

    @Test
    void E114_E115_E119_onlyPodsOfTheCallersNode() throws Exception {
        assertThat(impersonate("good", "Kubernetes", SLEEP)).hasSize(2);
        String remote = "spiffe://cluster.local/ns/ns2/sa/far";
        pod("Kubernetes", "ns2", "far-1", "uid-3", "far", "node2");
        assertThat(reason("good", "Kubernetes", remote)).contains("found on node node1");
        pod("Kubernetes", "ns2", "far-2", "uid-4", "far", "node1");
        assertThat(impersonate("good", "Kubernetes", remote)).hasSize(2);
    }

    @Test
    void E116_E117_E122_clustersAreApart() throws Exception {
        ca.authorizer().remoteClusters.add("remote");
        token("far", "remote", "istio-system", "ztunnel", "zt-9", "uid-9");
        pod("remote", "istio-system", "zt-9", "uid-9", "ztunnel", "node9");
        String there = "spiffe://cluster.local/ns/ns9/sa/there";
        pod("remote", "ns9", "there-1", "uid-10", "there", "node9");
        assertThat(reason("good", "Kubernetes", there)).contains("no instances");
        assertThat(impersonate("far", "remote", there)).hasSize(2);
        ca.authorizer().remoteClusters.remove("remote");
        ca.authorizer().aliases.put("remote", "Kubernetes");
        assertThat(reason("good", "remote", there)).contains("no node authorizer for cluster");
    }

    @Test
    void E120_anIdentityThatDoesNotParse() throws Exception {
        assertThat(reason("good", "Kubernetes", "not-spiffe-idenditity"))
                .contains("failed to validate impersonated identity");
    }

    @Test
    void E121_threeWaysNotToBeThePodOfTheToken() throws Exception {
        List<String> reasons = new ArrayList<>();
        token("unknown", "Kubernetes", "istio-system", "ztunnel", "zt-7", "uid-1");
        token("uid", "Kubernetes", "istio-system", "ztunnel", "zt-1", "uid-7");
        ca.authorizer().trustedAccounts.add("istio-system/other");
        token("account", "Kubernetes", "istio-system", "other", "zt-1", "uid-1");
        for (String token : List.of("unknown", "uid", "account")) {
            reasons.add(reason(token, "Kubernetes", SLEEP));
        }
        assertThat(reasons)
                .containsExactly(
                        "pod zt-7 not found",
                        "pod zt-1: UID does not match",
                        "pod zt-1: ServiceAccount does not match");
    }

    @Test
    void E123_anotherSchemeThanBearer() throws Exception {
        refused("Basic good", csr(), 1);
        assertThat(ca.refusals().getLast()).contains("failed to extract bearer token");
    }

    @Test
    void E124_anAliasCountsForAuthentication() throws Exception {
        ca.authorizer().aliases.put("primary-alias", "Kubernetes");
        assertThat(call("Bearer good", "primary-alias", null, csr(), 3600)).hasSize(2);
    }

    @Test
    void E125_anUnknownCluster() throws Exception {
        reason("good", "nowhere", SLEEP);
        assertThat(ca.refusals().getLast()).contains("nowhere").contains("Kubernetes");
    }
}
