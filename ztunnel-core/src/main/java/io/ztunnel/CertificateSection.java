package io.ztunnel;

import com.fasterxml.jackson.core.JsonGenerator;

import io.ztunnel.admin.CertificateJson;
import io.ztunnel.identity.BookLine;
import io.ztunnel.identity.CertificateBook;
import io.ztunnel.observe.DumpSection;

import java.io.IOException;

/// The certificates of this node in `/config_dump`.
record CertificateSection(CertificateBook book) implements DumpSection {

    @Override
    public String name() {
        return "certificates";
    }

    @Override
    public void write(JsonGenerator json) throws IOException {
        json.writeStartArray();
        for (BookLine line : book.dump()) {
            CertificateJson.write(
                    json, line.identity().toString(), line.state(), line.chain(), line.roots());
        }
        json.writeEndArray();
    }
}
