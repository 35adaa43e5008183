"""Every call of the API can be made with the Python client, and nothing of what was asked or answered is lost on the way."""

import json
import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from typing import Any, get_args, get_type_hints
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from dubline_client import AuthenticatedClient
from services.api.examples import Exchange, exchanges
from services.api.main import create_app
from services.api.openapi import describe

OPERATIONS = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, operations in describe(create_app())["paths"].items()
    for method, operation in operations.items()
}
# A stream of events has no schema; who follows one reads it as it comes.
EXCHANGES = [one for one in exchanges() if not one.operation.endswith("_events")]


class Recorder(HTTPServer):
    """Gives one answer, and keeps what it was asked."""

    status, answer = 200, b""
    method, target, body = "", "", b""
    headers: dict[str, str]


class Handler(BaseHTTPRequestHandler):
    server: Recorder

    def do_GET(self) -> None:
        self.server.method, self.server.target, self.server.headers = self.command, self.path, dict(self.headers)
        self.server.body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    do_POST = do_PUT = do_PATCH = do_GET

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture(scope="module")
def server() -> Iterator[Recorder]:
    with Recorder(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def api(server: Recorder) -> Iterator[AuthenticatedClient]:
    with AuthenticatedClient(f"http://127.0.0.1:{server.server_port}", token="dub_k") as api:  # noqa: S106 - nobody's
        yield api


def test_every_operation_has_an_example_that_is_sent() -> None:
    streams = {name for name in OPERATIONS if name.endswith("_events")}
    assert {one.operation for one in EXCHANGES} == OPERATIONS.keys() - streams
    assert len(EXCHANGES) > 40


@pytest.mark.parametrize("one", EXCHANGES, ids=lambda one: f"{one.operation}-{one.name}")
def test_a_call_says_what_the_example_says_and_gives_all_that_it_was_answered(
    one: Exchange, api: AuthenticatedClient, server: Recorder
) -> None:
    method, path, operation = OPERATIONS[one.operation]
    text = one.answer if isinstance(one.answer, str) else json.dumps(one.answer)
    server.status, server.answer = one.status, text.encode()
    call = import_module(f"dubline_client.api.{operation['tags'][0]}.{one.operation}").sync_detailed
    answered = call(client=api, **arguments(call, one))

    places = {parameter["name"]: parameter["in"] for parameter in operation.get("parameters", ())}
    sent = {
        place: {name: one.parameters[name] for name in one.parameters if places[name] == place} for place in places.values()
    }
    asked = urlsplit(server.target)
    assert (server.method, unquote(asked.path)) == (method, path.format(**sent.get("path", {})))
    for name, value in sent.get("query", {}).items():
        assert plain(parse_qs(asked.query)[name]) == plain([*map(str, value if isinstance(value, list) else [value])])
    assert sent.get("header", {}).items() <= server.headers.items()
    if one.body is not None:
        body = plain(json.loads(server.body))
        assert {**body, **plain(one.body)} == body

    assert answered.status_code == one.status
    parsed = answered.parsed
    assert plain(parsed if isinstance(parsed, str) else parsed.to_dict()) == plain(one.answer)


def arguments(call: Any, one: Exchange) -> dict[str, Any]:
    """What the generated function takes for an example."""
    kinds = get_type_hints(call)
    found = {} if one.body is None else {"body": kinds["body"].from_dict(one.body)}
    for name, value in one.parameters.items():
        known = name.lower().replace("-", "_")
        found[known] = datetime.fromisoformat(value) if datetime in get_args(kinds[known]) else value
    return found


def plain(value: Any) -> Any:
    """JSON with moments as such: the client writes them with another name of UTC."""
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [plain(member) for member in value]
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return value
    return value if moment is None or moment.tzinfo is None else moment
