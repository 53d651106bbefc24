package io.ztunnel.xds;

import io.ztunnel.xds.Vectors.Event;
import io.ztunnel.xds.Vectors.Scenario;
import io.ztunnel.xds.proto.discovery.DeltaDiscoveryRequest;
import io.ztunnel.xds.proto.discovery.DeltaDiscoveryResponse;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// What this client does otherwise than the recorded one, each on purpose: the wording of reasons
/// in a NACK; no claim of a name that was removed in the response that brought it (i-nack 30); no
/// second demand of a key the server has just called unknown, and no claim of a key that was
/// answered under an alias (g-on-demand 04 and 12).
///
/// Follows a conversation and takes these differences, and no others, out of the expectation.
public final class KnownDifferences {
    private final Set<String> answeredKeys = new HashSet<>();
    private final Set<String> removedAtOnce = new HashSet<>();

    /// Takes note of a response before it is played.
    public void note(DeltaDiscoveryResponse response) {
        response.getResourcesList()
                .forEach(
                        resource -> {
                            answeredKeys.addAll(resource.getAliasesList());
                            removedAtOnce.remove(resource.getName());
                            if (response.getRemovedResourcesList().contains(resource.getName())) {
                                removedAtOnce.add(resource.getName());
                            }
                        });
        answeredKeys.addAll(response.getRemovedResourcesList());
    }

    /// Whether a demand of this key is answered from memory.
    public boolean known(String key) {
        return answeredKeys.contains(key);
    }

    /// What this client sends where the recorded one sent that.
    public DeltaDiscoveryRequest expected(DeltaDiscoveryRequest recorded) {
        DeltaDiscoveryRequest.Builder adapted = recorded.toBuilder();
        recorded.getInitialResourceVersionsMap()
                .forEach(
                        (name, version) -> {
                            boolean answered = version.isEmpty() && answeredKeys.contains(name);
                            if (answered || removedAtOnce.contains(name)) {
                                adapted.removeInitialResourceVersions(name);
                            }
                        });
        return comparable(adapted.build());
    }

    /// A request with the names of a NACK in place of its text.
    public static DeltaDiscoveryRequest comparable(DeltaDiscoveryRequest request) {
        if (!request.hasErrorDetail()) {
            return request;
        }
        DeltaDiscoveryRequest.Builder named = request.toBuilder();
        named.getErrorDetailBuilder().setMessage(refusedNames(request).toString());
        return named.build();
    }

    /// The names that the recorded client refused, by the nonce of the response.
    static Map<String, Set<String>> refusals(Scenario scenario) {
        Map<String, Set<String>> refusals = new HashMap<>();
        for (Event event : scenario.events()) {
            if (event.kind().equals("nack")) {
                DeltaDiscoveryRequest nack = scenario.request(event);
                refusals.put(nack.getResponseNonce(), refusedNames(nack));
            }
        }
        return refusals;
    }

    private static Set<String> refusedNames(DeltaDiscoveryRequest nack) {
        Set<String> names = new TreeSet<>();
        for (String part : nack.getErrorDetail().getMessage().split("; ", -1)) {
            names.add(part.substring(0, part.indexOf(": ")));
        }
        return names;
    }

    /// The node that the recorded client said it was.
    public static NodeDescription nodeOf(DeltaDiscoveryRequest opening) {
        Map<String, String> metadata = new HashMap<>();
        opening.getNode()
                .getMetadata()
                .getFieldsMap()
                .forEach((key, value) -> metadata.put(key, value.getStringValue()));
        return new NodeDescription(
                metadata.remove("INSTANCE_IPS"),
                metadata.remove("NAME"),
                metadata.remove("NAMESPACE"),
                metadata.remove("NODE_NAME"),
                metadata,
                Map.of());
    }
}
