"""Examples of every call: requests and the answers that a real installation gave to them (``examples.json``).

They are shown in the OpenAPI document: a request and its answer have the same name there. Every schema shows the part of an
example that is of its kind.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

_FILE = Path(__file__).with_name("examples.json")
_COMPONENTS = "#/components/schemas/"


class Exchange(NamedTuple):
    """One request and its answer.

    Attributes:
        operation: the operation's id in the document.
        name: what it shows; once for each operation.
        parameters: values of the path's, the query's and the headers' parameters, by name.
        body: JSON, None for none.
        status: of the answer.
        answer: its JSON; of a text, the beginning.
    """

    operation: str
    name: str
    parameters: dict[str, Any]
    body: Any
    status: int
    answer: Any


def exchanges() -> list[Exchange]:
    """All of them, in an order in which they can be sent."""
    return [Exchange(**one) for one in json.loads(_FILE.read_text(encoding="utf-8"))]


def show(document: dict[str, Any]) -> None:
    """Put the examples into an OpenAPI document."""
    operations = {operation["operationId"]: operation for path in document["paths"].values() for operation in path.values()}
    components = document["components"]["schemas"]
    for one in exchanges():
        operation = operations[one.operation]
        for parameter in operation.get("parameters", ()):
            if parameter["name"] in one.parameters:
                _add(parameter, one, one.parameters[parameter["name"]])
        if one.body is not None:
            media = operation["requestBody"]["content"]["application/json"]
            _add(media, one, one.body)
            _illustrate(components, media["schema"], one.body)
        (media,) = operation["responses"][str(one.status)]["content"].values()
        _add(media, one, one.answer)
        _illustrate(components, media.get("schema", {}), one.answer)


def _add(place: dict[str, Any], one: Exchange, value: Any) -> None:
    place.setdefault("examples", {})[one.name] = {"summary": one.name.replace("-", " ").capitalize(), "value": value}


def _illustrate(components: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """Give every component that a part of ``value`` is of this part as its example; the first one stays."""
    for component, part in _parts(components, schema, value):
        components[component].setdefault("examples", [part])


def _branches(schema: dict[str, Any], value: Any) -> list[dict[str, Any]]:
    """The parts of a schema that ``value`` may be of; where there is no discriminator, one of several is told by its kind."""
    if value is None:
        return []
    one_of = () if "discriminator" in schema else schema.get("oneOf", ())
    of_kind = [branch for branch in one_of if (branch.get("type") == "array") == isinstance(value, list)]
    return [*of_kind, *schema.get("anyOf", ()), *schema.get("allOf", ())]


def _parts(components: dict[str, Any], schema: dict[str, Any], value: Any) -> Iterator[tuple[str, Any]]:
    """(component, value) of every part of ``value`` whose schema is a component's."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_COMPONENTS)
        yield name, value
        yield from _parts(components, components[name], value)
    if "discriminator" in schema:
        kind = schema["discriminator"]
        yield from _parts(components, {"$ref": kind["mapping"][value[kind["propertyName"]]]}, value)
    for branch in _branches(schema, value):
        yield from _parts(components, branch, value)
    if isinstance(value, dict):
        for member, part in value.items():
            inner = schema.get("properties", {}).get(member, schema.get("additionalProperties"))
            if isinstance(inner, dict):
                yield from _parts(components, inner, part)
    if isinstance(value, list):
        for part in value:
            yield from _parts(components, schema.get("items", {}), part)
