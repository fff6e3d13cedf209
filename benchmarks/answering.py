"""AWS over HTTP, as far as one landing, one tick and one status change need it.

Answers at once and keeps connections: what is measured is whoever asks.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_LISTED = b"""<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult><Name>landings</Name><Prefix>incoming/</Prefix><KeyCount>1</KeyCount>
<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated><Contents><Key>incoming/a.jsonl</Key>
<LastModified>2026-11-22T03:00:00.000Z</LastModified><ETag>"0"</ETag><Size>42</Size>
<StorageClass>STANDARD</StorageClass></Contents></ListBucketResult>"""
_NO_KEY = b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>"
_STARTED = {
    "executionArn": "arn:aws:states:us-east-1:123456789012:execution:landrun:run",
    "startDate": 4102444800.0,
}
_DESCRIBED = {
    "stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:landrun",
    "name": "landrun",
    "definition": '{"StartAt": "Wait", "States": {"Wait": {"Type": "Succeed"}}}',
    "roleArn": "arn:aws:iam::123456789012:role/states",
    "type": "STANDARD",
    "creationDate": 1700000000.0,
}
_JSON = {
    "AWSStepFunctions.StartExecution": _STARTED,
    "AWSStepFunctions.DescribeStateMachine": _DESCRIBED,
}


class _Aws(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # head and body in one piece, or TCP waits for an acknowledgement in between
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self._body()
        answer = _JSON.get(self.headers.get("X-Amz-Target", ""), {})
        self._answer(200, json.dumps(answer).encode(), "application/x-amz-json-1.0")

    def do_PUT(self) -> None:
        self._body()
        self._answer(200, b"", "application/xml")

    def do_GET(self) -> None:
        listing = "list-type=2" in self.path
        self._answer(200 if listing else 404, _LISTED if listing else _NO_KEY, "application/xml")

    def handle_expect_100(self) -> bool:
        """Let S3's caller go on at once; it would wait a second for that."""
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            return self._chunks()
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _chunks(self) -> bytes:
        """Read what S3's clients send in chunks, with a checksum behind them."""
        found = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return found

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def answering() -> Iterator[str]:
    """Answer for the block; gives the endpoint's URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Aws)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
