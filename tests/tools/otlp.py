"""A receiver of OTLP/HTTP made of OpenTelemetry's own message types, and strict.

Prints its port, then each span as a line of JSON. `foreign` are the attributes that OpenTelemetry's conventions do not know. What it
cannot take it answers with 400 or 415, as the protocol says, and prints as {"fault": ...}.
"""

import gzip
import importlib
import json
import pkgutil
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import opentelemetry.semconv._incubating.attributes
import opentelemetry.semconv.attributes
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


def known_names():
    for package in opentelemetry.semconv.attributes, opentelemetry.semconv._incubating.attributes:
        for module in pkgutil.iter_modules(package.__path__):
            values = vars(importlib.import_module(f"{package.__name__}.{module.name}"))
            yield from (value for name, value in values.items() if name.isupper() and isinstance(value, str))


KNOWN = set(known_names())


def plain(attributes):
    return {entry.key: getattr(entry.value, entry.value.WhichOneof("value") or "string_value") for entry in attributes}


def describe(resource, span):
    attributes = plain(span.attributes)
    return {
        "name": span.name,
        "kind": Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        "trace": span.trace_id.hex(),
        "id": span.span_id.hex(),
        "parent": span.parent_span_id.hex(),
        "links": [{"trace": link.trace_id.hex(), "id": link.span_id.hex()} for link in span.links],
        "status": Status.StatusCode.Name(span.status.code).removeprefix("STATUS_CODE_").lower(),
        "start": span.start_time_unix_nano,
        "end": span.end_time_unix_nano,
        "attributes": attributes,
        "foreign": sorted(name for name in attributes if name not in KNOWN),
        "resource": resource,
    }


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path != "/v1/traces" or self.headers["content-type"] != "application/x-protobuf":
            return self.refuse(415, f"{self.path} {self.headers['content-type']}")
        try:
            request = ExportTraceServiceRequest.FromString(body)
        except DecodeError as error:
            return self.refuse(400, str(error))
        for resource_spans in request.resource_spans:
            resource = plain(resource_spans.resource.attributes)
            for scope_spans in resource_spans.scope_spans:
                for span in scope_spans.spans:
                    print(json.dumps(describe(resource, span)), flush=True)
        self.answer(200, ExportTraceServiceResponse().SerializeToString())

    def refuse(self, status, why):
        print(json.dumps({"fault": why}), flush=True)
        self.answer(status, b"")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
server.serve_forever()
