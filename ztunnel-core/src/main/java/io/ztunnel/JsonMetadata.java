package io.ztunnel;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The node metadata that comes as JSON (`ISTIO_METAJSON_<K>`). What is no JSON is logged and left
/// out (docs/spec/control-plane.md 2.3).
final class JsonMetadata {
    private static final Logger LOG = LoggerFactory.getLogger(JsonMetadata.class);

    private JsonMetadata() {}

    static Map<String, @Nullable Object> parse(Map<String, String> texts) {
        Map<String, @Nullable Object> values = new HashMap<>();
        texts.forEach(
                (key, text) -> {
                    try (JsonParser json = new JsonFactory().createParser(text)) {
                        json.nextToken();
                        values.put(key, value(json));
                    } catch (IOException malformed) {
                        LOG.error(
                                "ISTIO_METAJSON_{} is left out, it is no JSON: {}",
                                key,
                                malformed.getMessage());
                    }
                });
        return values;
    }

    private static @Nullable Object value(JsonParser json) throws IOException {
        JsonToken token = json.currentToken();
        if (token == null) {
            throw new IOException("it is empty");
        }
        return switch (token) {
            case START_OBJECT -> object(json);
            case START_ARRAY -> array(json);
            case VALUE_STRING -> json.getText();
            case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> json.getDoubleValue();
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            case VALUE_NULL -> null;
            default -> throw new IOException("unexpected " + token);
        };
    }

    private static Map<String, @Nullable Object> object(JsonParser json) throws IOException {
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            String name = json.currentName();
            json.nextToken();
            fields.put(name, value(json));
        }
        return fields;
    }

    private static List<@Nullable Object> array(JsonParser json) throws IOException {
        List<@Nullable Object> elements = new ArrayList<>();
        while (json.nextToken() != JsonToken.END_ARRAY) {
            elements.add(value(json));
        }
        return elements;
    }
}
