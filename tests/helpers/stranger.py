"""Somebody of another organisation, who sends every example of every call with real ids that are not theirs."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
from example_story import CURSOR, DRAWN, ID, KEY, MOMENT, SIGNING, STORED

from services.api.examples import Exchange

_UNKNOWN, _UNKNOWN_KEY = "0" * 26, "f" * 12
# Of these everybody may ask, and the answer is the installation's, which changes with every call.
_OPEN = {"healthz", "readyz", "metrics", "platform_metrics"}
_REQUEST = re.compile(r"req_?[0-9a-z]+")


class Belongings(NamedTuple):
    """What another organisation has.

    Attributes:
        ids: one of each kind, by its prefix; that of a key by ``key``.
        marks: texts that nobody else may ever be shown: all ids, names, texts.
        asked: what was sent for a title, with an Idempotency-Key.
        cursor: of a page of jobs.
    """

    ids: Mapping[str, str]
    marks: frozenset[str]
    asked: dict[str, Any]
    cursor: str


class Stranger:
    """Sends examples, and says what was answered otherwise than to somebody who made all ids up.

    Args:
        client: with the stranger's own key, which has every scope.
        document: the OpenAPI document.
        theirs: what the other organisation has.
    """

    def __init__(self, client: httpx.Client, document: Mapping[str, Any], theirs: Belongings) -> None:
        self._client = client
        self._theirs = theirs
        self._batches: list[Any] = []
        self._operations = {
            operation["operationId"]: (
                method.upper(),
                path,
                {one["name"]: one["in"] for one in operation.get("parameters", ())},
            )
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        }

    def walk(self, examples: list[Exchange]) -> Iterator[str]:
        """The faults that are found with these examples."""
        for one in examples:
            if one.operation in _OPEN:
                continue
            asked = {"parameters": one.parameters, "body": one.body}
            real, invented = self._with(asked, self._theirs.ids), self._with(asked, {})
            answer = self._send(one.operation, **real)
            yield from self._shown(f"{one.operation} {one.name}", answer, json.dumps(real))
            if one.operation == "create_batch":
                self._batches.append(real)
            if real != invented:
                said, would_be = self._comparable(answer), self._comparable(self._send(one.operation, **invented))
                if said != would_be:
                    yield f"{one.operation} {one.name}: {said} instead of {would_be}"

    def look_around(self) -> Iterator[str]:
        """What is shown by lists, as long as they get, also from where a page of the others' ended."""
        for method, path, places in self._operations.values():
            if method == "GET" and "{" not in path and "limit" in places:
                # A batch says of each item why it was refused, in the sender's own words.
                sent = json.dumps(self._batches) if path == "/v1/batches" else ""
                yield from self._shown(path, self._client.get(path, params={"limit": 100}), sent)
        yield from self._shown("cursor", self._client.get("/v1/jobs", params={"cursor": self._theirs.cursor}), "")

    def _shown(self, call: str, answer: httpx.Response, sent: str) -> Iterator[str]:
        """The marks of others that an answer shows, but for those that were sent."""
        shown = [mark for mark in self._theirs.marks if mark in answer.text and mark not in sent]
        if shown:
            yield f"{call}: shows {shown}"

    def _with(self, asked: dict[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
        text = ID.sub(lambda found: ids.get(found[1], f"{found[1]}_{_UNKNOWN}"), json.dumps(asked))
        changed: dict[str, Any] = json.loads(text)
        if "key_id" in changed["parameters"]:
            changed["parameters"]["key_id"] = ids.get("key", _UNKNOWN_KEY)
        return changed

    def _send(self, operation: str, parameters: Mapping[str, Any], body: Any) -> httpx.Response:
        method, path, places = self._operations[operation]
        of = {where: {n: v for n, v in parameters.items() if places[n] == where} for where in ("path", "query", "header")}
        place = path.format_map({name: quote(str(value)) for name, value in of["path"].items()})
        headers = {name: str(value) for name, value in of["header"].items()}
        return self._client.request(method, place, params=of["query"], headers=headers, json=body)

    def _comparable(self, answer: httpx.Response) -> tuple[int, str]:
        """Status and text, without what differs from one call to the next."""
        text = answer.text
        for key in (self._theirs.ids["key"], _UNKNOWN_KEY):
            text = text.replace(key, "KEY")
        for pattern in (ID, KEY, MOMENT, STORED, SIGNING, CURSOR, DRAWN, _REQUEST):
            text = pattern.sub(lambda found: found[1] if found.re is ID else "", text)
        return answer.status_code, text
