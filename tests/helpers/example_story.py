"""Calls of the API in an order that makes sense, told to a real installation, and put down as examples for its document.

What differs from one installation to the next is replaced: ids, times, request ids and the addresses of stored files.
"""

import json
import re
from typing import Any
from urllib.parse import quote

import httpx
from fastapi.testclient import TestClient

from dubbing.db.models import Asset
from dubbing.db.unit_of_work import unit_of_work
from dubbing.ids import new_id
from services.api.bootstrap import Services
from services.api.examples import Exchange

LINES, MOST = 5, 600  # of a text, as many lines and characters are shown
ID = re.compile(r"\b([a-z]{3})_[0-9a-z]{26}\b")
KEY = re.compile(r"dub_[0-9a-f]{12}_[\w-]{43}|\b[0-9a-f]{12}\b")
LINK = re.compile(r"dubg_[0-9a-z]{26}_[\w-]{43}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")
STORED = re.compile(r"http://127\.0\.0\.1:\d+/([^\"?]+)\?[^\"]*")
EVENT = re.compile(r"^id: \d+$", re.MULTILINE)
CURSOR = re.compile(r'"((?:next_)?cursor)": "MjAy[\w=-]+"')
DRAWN = re.compile(r'"(seed|\d+)": \d{4,}')
COUNTED = re.compile(r"^(dubline_http\S+) [0-9.]+$", re.MULTILINE)
SIGNING = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")
TOKEN = re.compile(r"signin_[\w-]{43}|eyJ[\w-]+\.[\w-]+\.[\w-]+")
SECONDS = re.compile(r'"(fps|eta_seconds)": [0-9.e-]+')


class Story:
    """Sends calls and keeps what was said.

    Args:
        client: somebody who may do everything.
        document: the OpenAPI document, which knows the operations' methods and paths.
    """

    def __init__(self, client: TestClient, document: dict[str, Any]) -> None:
        self._client = client
        self._known: dict[str, str] = {}
        self._operations = {
            operation["operationId"]: (method.upper(), path, operation.get("parameters", []))
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        }
        self.exchanges: list[Exchange] = []
        self.shown_as: dict[str, str] = {}
        """What stands for texts that every installation has others for."""

    def tell(self, operation: str, name: str, status: int = 200, body: Any = None, /, **parameters: Any) -> Any:
        """Send one call, see it answered with ``status``, and put both down; gives the answer's JSON, or its text."""
        method, path, described = self._operations[operation]
        places = {parameter["name"]: parameter["in"] for parameter in described}
        given = {name.replace("_", "-") if name.startswith("last_") else name: value for name, value in parameters.items()}
        assert given.keys() <= places.keys(), operation
        by_place = {where: {n: v for n, v in given.items() if places[n] == where} for where in ("path", "query", "header")}
        answer = self._client.request(
            method,
            path.format_map({name: quote(str(value)) for name, value in by_place["path"].items()}),
            params=by_place["query"],
            headers={name: str(value) for name, value in by_place["header"].items()},
            json=body,
        )
        assert answer.status_code == status, answer.text
        shown = _shown(answer)
        self.exchanges.append(
            Exchange(operation, name, self.placeless(given), self.placeless(body), status, self.placeless(shown))
        )
        return shown

    def placeless(self, value: Any) -> Any:
        """``value`` as any installation could have it: the same things have the same ids throughout the story."""
        text = json.dumps(value, ensure_ascii=False)
        text = ID.sub(
            lambda found: self._known.setdefault(found[0], f"{found[1]}_01k7wq3v9f8x2n4b6m0zr5{self._number()}"), text
        )
        for known, shown in self.shown_as.items():
            text = text.replace(known, shown)
        text = KEY.sub(lambda found: "dub_0123456789ab_..." if found[0].startswith("dub_") else "0123456789ab", text)
        text = LINK.sub("dubg_01k7wq3v9f8x2n4b6m0zr50000_...", text)
        text = SIGNING.sub("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", text)
        text = TOKEN.sub(lambda found: "signin_..." if found[0].startswith("signin_") else "eyJhbGciOiJIUzI1NiJ9...", text)
        text = STORED.sub(r"https://store.example.com/\1?X-Amz-Signature=...", text)
        text = SECONDS.sub(lambda found: f'"{found[1]}": 12.5', MOMENT.sub("2026-10-12T06:00:00Z", text))
        text = CURSOR.sub(r'"\1": "MjAyNi0xMC0xMlQwNjowMDowMFogam9iXzAxazd3cTN2OWY4eDJuNGI2bTB6cjUwMDA5"', text)
        return json.loads(DRAWN.sub(r'"\1": 1234567', text))

    def _number(self) -> str:
        return f"{len(self._known) + 1:04d}"


def _shown(answer: httpx.Response) -> Any:
    if "json" in answer.headers["content-type"]:
        return answer.json()
    text = "\n".join(answer.text.splitlines()[:LINES])[:MOST]
    return COUNTED.sub(r"\1 1.0", EVENT.sub("id: 1", text))


def story_file(services: Services, name: str) -> str:
    """A file that was uploaded before."""
    asset_id = new_id("ast")
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        work.assets.add(Asset(id=asset_id, organisation_id="default", object_key=f"assets/{name}", filename=name, size=10))
    return asset_id
