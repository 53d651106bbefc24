package io.ztunnel.ca;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;

import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.stub.MetadataUtils;
import io.ztunnel.ca.CertificateRefusal.Side;
import io.ztunnel.ca.proto.IstioCertificateRequest;
import io.ztunnel.ca.proto.IstioCertificateResponse;
import io.ztunnel.ca.proto.IstioCertificateServiceGrpc;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.net.URI;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

import javax.net.ssl.X509TrustManager;

/// The CA of Istio over gRPC (docs/spec/identity-and-tls.md 2).
///
/// Addresses are tried in order. Only a CA that cannot be reached or does not answer in time sends
/// us to the next: one that says no has said it for all of them.
public final class IstioCertificateAuthority implements CertificateAuthority {
    private static final Logger LOG = LoggerFactory.getLogger(IstioCertificateAuthority.class);

    private static final Metadata.Key<String> AUTHORIZATION = key("authorization");
    private static final Metadata.Key<String> CLUSTER_ID = key("clusterid");

    private final CaSettings settings;
    private final CaTransport transport;
    private final InstantSource clock;

    /// Guards all below. Held while files are read and channels made, never during a call.
    private final ReentrantLock lock = new ReentrantLock();

    private final CaRoots roots;
    private List<ManagedChannel> channels = List.of();
    private long channelsOf;
    private boolean closed;

    public IstioCertificateAuthority(CaSettings settings) {
        this(settings, CaTransport.DEFAULT, InstantSource.system());
    }

    /// @param clock the wall clock that an answer's dates are compared with
    public IstioCertificateAuthority(
            CaSettings settings, CaTransport transport, InstantSource clock) {
        this.settings = settings;
        this.transport = transport;
        this.clock = clock;
        this.roots = new CaRoots(settings.roots());
    }

    @Override
    public IssuedCertificate sign(String spiffeId) throws CertificateRefusal, InterruptedException {
        Metadata headers = headers();
        List<ManagedChannel> usable = channels();
        SigningRequest request = request(spiffeId);
        IstioCertificateResponse answer = call(usable, message(spiffeId, request), headers);
        Instant now = clock.instant();
        return CaAnswer.accept(
                answer.getCertChainList(), request.keys(), spiffeId, settings.impersonate(), now);
    }

    private static SigningRequest request(String spiffeId) throws CertificateRefusal {
        try {
            return SigningRequest.of(spiffeId);
        } catch (GeneralSecurityException | IOException e) {
            throw new CertificateRefusal(
                    Side.NODE,
                    "failed to create CSR: " + e.getMessage(),
                    "Report this with the version of the JDK.",
                    e);
        }
    }

    private IstioCertificateRequest message(String spiffeId, SigningRequest request) {
        var message =
                IstioCertificateRequest.newBuilder()
                        .setCsr(request.pem())
                        .setValidityDuration(settings.ttl().toSeconds());
        if (settings.impersonate()) {
            message.setMetadata(
                    Struct.newBuilder()
                            .putFields(
                                    "ImpersonatedIdentity",
                                    Value.newBuilder().setStringValue(spiffeId).build()));
        }
        return message.build();
    }

    private Metadata headers() throws CertificateRefusal {
        Metadata headers = new Metadata();
        String token = settings.token().read();
        if (token != null) {
            headers.put(AUTHORIZATION, "Bearer " + token);
            headers.put(CLUSTER_ID, settings.clusterId());
        }
        settings.headers().forEach((name, value) -> headers.put(key(name), value));
        return headers;
    }

    private IstioCertificateResponse call(
            List<ManagedChannel> usable, IstioCertificateRequest message, Metadata headers)
            throws CertificateRefusal, InterruptedException {
        StatusException last = null;
        for (int i = 0; i < usable.size(); i++) {
            try {
                return IstioCertificateServiceGrpc.newBlockingV2Stub(usable.get(i))
                        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                        .withDeadlineAfter(settings.deadline().toNanos(), TimeUnit.NANOSECONDS)
                        .createCertificate(message);
            } catch (StatusException e) {
                if (Thread.interrupted()) {
                    throw interrupted(e);
                }
                last = e;
                if (!tryNext(e.getStatus().getCode())) {
                    break;
                }
                if (i + 1 < usable.size()) {
                    LOG.warn(
                            "CA {} not usable, trying {}: {}",
                            settings.addresses().get(i),
                            settings.addresses().get(i + 1),
                            e.getStatus().getCode());
                }
            }
        }
        throw GrpcRefusal.of(last == null ? Status.UNAVAILABLE : last.getStatus(), last);
    }

    private static boolean tryNext(Status.Code code) {
        return code == Status.Code.UNAVAILABLE || code == Status.Code.DEADLINE_EXCEEDED;
    }

    private static InterruptedException interrupted(Throwable cause) {
        var interrupted = new InterruptedException("interrupted while waiting for the CA");
        interrupted.initCause(cause);
        return interrupted;
    }

    @Override
    public void checkTrust() {
        try {
            channels();
        } catch (CertificateRefusal e) {
            LOG.warn("{} {}", e.text(), e.remedy());
        }
    }

    /// The channels for the roots as they are on disk now. Old ones end when their calls have.
    private List<ManagedChannel> channels() throws CertificateRefusal {
        lock.lock();
        try {
            if (closed) {
                throw noTrust("the CA client is closed", null);
            }
            X509TrustManager trust = roots.current();
            if (channelsOf != roots.generation()) {
                List<ManagedChannel> fresh = new ArrayList<>();
                for (URI address : settings.addresses()) {
                    fresh.add(CaChannel.open(settings, address, trust, transport));
                }
                channels.forEach(ManagedChannel::shutdown);
                channels = List.copyOf(fresh);
                channelsOf = roots.generation();
            }
            return channels;
        } catch (IOException | GeneralSecurityException e) {
            throw noTrust("no usable roots for the CA: " + e, e);
        } finally {
            lock.unlock();
        }
    }

    private static CertificateRefusal noTrust(String text, @Nullable Throwable cause) {
        return new CertificateRefusal(
                Side.NODE,
                text,
                "CA_ROOT_CA must name a PEM file with the root of the CA's server certificate.",
                cause);
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            channels.forEach(ManagedChannel::shutdownNow);
            channels = List.of();
        } finally {
            lock.unlock();
        }
    }

    private static Metadata.Key<String> key(String name) {
        return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
    }
}
