package io.ztunnel.feed;

import io.ztunnel.feed.LocalFileNode.Fields;
import io.ztunnel.mesh.AuthorizationPolicy;
import io.ztunnel.mesh.MeshDelta;
import io.ztunnel.mesh.NamespacedHostname;
import io.ztunnel.mesh.PortMap;
import io.ztunnel.mesh.Service;
import io.ztunnel.mesh.Workload;

import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Node;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// What a local file describes (docs/spec/control-plane.md 3), complete or not at all.
public record LocalFileContent(
        List<Workload> workloads, List<Service> services, List<AuthorizationPolicy> policies) {

    public static final LocalFileContent NONE =
            new LocalFileContent(List.of(), List.of(), List.of());

    /// Reads the YAML text of a local file.
    ///
    /// @param file how complaints name it
    public static LocalFileContent parse(String file, String yaml) throws LocalFileProblem {
        Optional<Node> root;
        try {
            LoadSettings settings =
                    LoadSettings.builder().setCodePointLimit(Integer.MAX_VALUE).build();
            root = new Compose(settings).composeString(yaml);
        } catch (MarkedYamlEngineException malformed) {
            int line = malformed.getProblemMark().map(mark -> mark.getLine() + 1).orElse(1);
            throw new LocalFileProblem(file, line, "", String.valueOf(malformed.getProblem()));
        } catch (YamlEngineException malformed) {
            throw new LocalFileProblem(file, 1, "", String.valueOf(malformed.getMessage()));
        }
        if (root.isEmpty()) {
            return NONE;
        }
        LocalFileNode top = new LocalFileNode(file, "", root.get());
        return top.isNull() ? NONE : read(top);
    }

    private static LocalFileContent read(LocalFileNode top) throws LocalFileProblem {
        Fields fields = top.fields();
        Set<String> names = new HashSet<>();
        List<Workload> workloads =
                fields.list(
                        "workloads",
                        node -> {
                            Workload workload = LocalFileWorkload.read(node);
                            return once(names, workload.uid(), node, workload);
                        });
        List<AuthorizationPolicy> policies =
                fields.list(
                        "policies",
                        node -> {
                            AuthorizationPolicy policy = LocalFilePolicy.read(node);
                            return once(names, "policy " + policy.key(), node, policy);
                        });
        List<LocalFileService> services =
                fields.list(
                        "services",
                        node -> {
                            LocalFileService service = LocalFileService.read(node);
                            return once(names, "service " + service.service().key(), node, service);
                        });
        fields.end();
        return new LocalFileContent(
                List.copyOf(joined(workloads, services)),
                services.stream().map(LocalFileService::service).toList(),
                List.copyOf(policies));
    }

    private static <T> T once(Set<String> names, String name, LocalFileNode node, T value)
            throws LocalFileProblem {
        if (!names.add(name)) {
            throw node.problem("there are two of " + name);
        }
        return value;
    }

    /// The workloads with the services that list them. A workload's own map of ports goes first.
    private static List<Workload> joined(
            List<Workload> workloads, List<LocalFileService> services) {
        Map<String, Map<NamespacedHostname, PortMap>> listed = new HashMap<>();
        for (LocalFileService service : services) {
            service.endpoints()
                    .forEach(
                            (uid, ports) ->
                                    listed.computeIfAbsent(uid, _ -> new HashMap<>())
                                            .put(service.service().key(), ports));
        }
        if (listed.isEmpty()) {
            return workloads;
        }
        List<Workload> joined = new ArrayList<>();
        for (Workload workload : workloads) {
            Map<NamespacedHostname, PortMap> all =
                    new HashMap<>(listed.getOrDefault(workload.uid(), Map.of()));
            all.putAll(workload.services());
            joined.add(workload.withServices(all));
        }
        return joined;
    }

    /// Turns the mesh as `before` described it into the mesh as this does. What others have told
    /// about the mesh stays.
    public void replace(LocalFileContent before, MeshDelta delta) {
        Set<String> names = new HashSet<>();
        workloads.forEach(workload -> names.add(workload.uid()));
        services.forEach(service -> names.add(service.key().toString()));
        for (Workload workload : before.workloads) {
            if (!names.contains(workload.uid())) {
                delta.removeAddress(workload.uid());
            }
        }
        for (Service service : before.services) {
            if (!names.contains(service.key().toString())) {
                delta.removeAddress(service.key().toString());
            }
        }
        Set<String> keys = new HashSet<>();
        policies.forEach(policy -> keys.add(policy.key()));
        for (AuthorizationPolicy policy : before.policies) {
            if (!keys.contains(policy.key())) {
                delta.removePolicy(policy.key());
            }
        }
        workloads.forEach(delta::upsert);
        policies.forEach(policy -> delta.upsert(policy.key(), policy));
        services.forEach(delta::upsert);
    }
}
