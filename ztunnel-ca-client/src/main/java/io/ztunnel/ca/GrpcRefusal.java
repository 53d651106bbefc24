package io.ztunnel.ca;

import io.grpc.Status;
import io.ztunnel.ca.CertificateRefusal.Side;

import org.jspecify.annotations.Nullable;

/// From a gRPC status to what an operator reads.
///
/// The words for the codes are part of the contract: the dump shows them, and people search for
/// them (recorded in the vectors `ca/06-bad-token` and `ca/10-ttl-above-maximum`).
final class GrpcRefusal {
    private GrpcRefusal() {}

    static CertificateRefusal of(Status status, @Nullable Throwable cause) {
        String message = status.getDescription() == null ? "" : status.getDescription();
        // A failed connection has its reason in the cause, a bad certificate for example.
        Throwable reason = status.getCause();
        if (reason != null && status.getCode() == Status.Code.UNAVAILABLE) {
            message = message + ": " + innermost(reason).getMessage();
        }
        return new CertificateRefusal(
                side(status.getCode()),
                "signing gRPC error (" + words(status.getCode()) + "): " + message,
                remedy(status.getCode()),
                cause);
    }

    private static Throwable innermost(Throwable reason) {
        Throwable at = reason;
        for (int depth = 0; at.getCause() != null && depth < 16; depth++) {
            at = at.getCause();
        }
        return at;
    }

    private static Side side(Status.Code code) {
        return switch (code) {
            case UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED -> Side.CONNECTION;
            default -> Side.AUTHORITY;
        };
    }

    private static String remedy(Status.Code code) {
        return switch (code) {
            case UNAVAILABLE ->
                    "Check that CA_ADDRESS can be reached from this node and that its certificate"
                            + " chains to CA_ROOT_CA.";
            case DEADLINE_EXCEEDED, CANCELLED ->
                    "The CA took the call and did not answer in time: look at its load and log.";
            case UNAUTHENTICATED ->
                    "The CA refused this node's token, or to let it act for this identity: is the"
                            + " service account listed in CA_TRUSTED_NODE_ACCOUNTS, and does the"
                            + " identity run on this node? The log of the CA has the reason.";
            case PERMISSION_DENIED -> "The log of the CA has the reason.";
            case INVALID_ARGUMENT ->
                    "The CA refused what was asked for: compare SECRET_TTL with its maximum.";
            case UNIMPLEMENTED -> "CA_ADDRESS does not lead to a CA.";
            case RESOURCE_EXHAUSTED -> "The CA limits its callers; this node asks again later.";
            default -> "The fault is inside the CA: look at its log.";
        };
    }

    private static String words(Status.Code code) {
        return switch (code) {
            case OK -> "The operation completed successfully";
            case CANCELLED -> "The operation was cancelled";
            case UNKNOWN -> "Unknown error";
            case INVALID_ARGUMENT -> "Client specified an invalid argument";
            case DEADLINE_EXCEEDED -> "Deadline expired before operation could complete";
            case NOT_FOUND -> "Some requested entity was not found";
            case ALREADY_EXISTS -> "Some entity that we attempted to create already exists";
            case PERMISSION_DENIED ->
                    "The caller does not have permission to execute the specified operation";
            case RESOURCE_EXHAUSTED -> "Some resource has been exhausted";
            case FAILED_PRECONDITION ->
                    "The system is not in a state required for the operation's execution";
            case ABORTED -> "The operation was aborted";
            case OUT_OF_RANGE -> "Operation was attempted past the valid range";
            case UNIMPLEMENTED -> "Operation is not implemented or not supported";
            case INTERNAL -> "Internal error";
            case UNAVAILABLE -> "The service is currently unavailable";
            case DATA_LOSS -> "Unrecoverable data loss or corruption";
            case UNAUTHENTICATED -> "The request does not have valid authentication credentials";
        };
    }
}
