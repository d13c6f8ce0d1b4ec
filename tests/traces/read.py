"""Reads OTLP requests with the standard's own definitions, and prints their spans as JSON: read.py FOLDER"""

import json
import pathlib
import sys

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status


def values(attributes):
    told = {}
    for attribute in attributes:
        # A backend keeps either of two values of one name.
        assert attribute.key not in told, attribute.key
        told[attribute.key] = getattr(attribute.value, attribute.value.WhichOneof("value"))
    return told


spans = []
for file in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    for sent in ExportTraceServiceRequest.FromString(file.read_bytes()).resource_spans:
        for scope in sent.scope_spans:
            for span in scope.spans:
                spans.append(
                    {
                        "name": span.name,
                        "trace": span.trace_id.hex(),
                        "id": span.span_id.hex(),
                        "parent": span.parent_span_id.hex(),
                        "begin": span.start_time_unix_nano,
                        "end": span.end_time_unix_nano,
                        "attributes": values(span.attributes),
                        "status": Status.StatusCode.Name(span.status.code).removeprefix("STATUS_CODE_"),
                        "why": span.status.message,
                        "events": [{"name": event.name, **values(event.attributes)} for event in span.events],
                        "resource": values(sent.resource.attributes),
                    }
                )
print(json.dumps(spans))
