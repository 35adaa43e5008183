"""The page docs/reference/settings.md, made from the classes in ``dubbing.settings``.

A class is a section: its docstring's first line is the heading, and its ``Attributes`` say what each setting means.
"""

import json
import re
from inspect import getdoc
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic_settings import BaseSettings

import dubbing.settings

_HEAD = """# Settings

Every setting is an environment variable. A process reads its settings once, when it starts; `dubline up` starts
again what they changed for. The local stack needs none of them: it chooses addresses and makes credentials by itself.
A server that is named here is used instead of a local one. `.env.example` lists the same settings for docker compose.

`make docs` makes this page from the classes in `shared/dubbing/settings`. Change it there.

## The command line

| variable | default | meaning |
|---|---|---|
| `DUBLINE_API_URL` | the local stack's | the API that `dubline` speaks to |
| `DUBLINE_API_KEY` | the local stack's | the key that it sends; an access token will do, too |
| `DUBLINE_HOME` | `.dubline` in the checkout | folder of the local stack: data, logs, ports, credentials |
| `DUBLINE_CARRIERS` | `.dubline/carriers` in the checkout | folder of the unpacked server programs |
"""


def page() -> str:
    """The whole page."""
    kinds = [
        kind
        for kind in vars(dubbing.settings).values()
        if isinstance(kind, type) and issubclass(kind, BaseSettings) and kind is not BaseSettings
    ]
    kinds.sort(key=lambda kind: kind.__module__)  # else those of other files come first, as imports do
    return "\n".join([_HEAD, *(_section(kind) for kind in kinds)])


def _section(kind: type[BaseSettings]) -> str:
    """One class, with a row for each of its fields.

    Raises:
        KeyError: a field's meaning is missing in the docstring.
    """
    sentence, _, rest = (getdoc(kind) or "").partition("\n")
    known = _meanings(rest)
    prefix = kind.model_config["env_prefix"]
    rows = [
        f"| `{prefix}{name.upper()}` | {_default(field.get_default())} | {_marked(known[name]).removesuffix('.')} |"
        for name, field in kind.model_fields.items()
    ]
    return "\n".join(
        [f"## {_marked(sentence).removesuffix('.')}", "", "| variable | default | meaning |", "|---|---|---|", *rows, ""]
    )


def _meanings(attributes: str) -> dict[str, str]:
    """The meaning of each attribute."""
    found = re.findall(r"^    (\w+): (.+(?:\n     +.+)*)", attributes, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


def _default(value: Any) -> str:
    """A default as it is written into the environment."""
    match value:
        case None | "" | ():
            return "none"
        case SecretStr():
            return "none" if not value.get_secret_value() else "secret"
        case tuple():
            return f"`{','.join(map(str, value))}`"
        case dict():
            plain = {key: one.model_dump() if isinstance(one, BaseModel) else one for key, one in value.items()}
            return f"`{json.dumps(plain)}`"
        case bool():
            return f"`{str(value).lower()}`"
        case Path() | str() | int() | float():
            return f"`{value}`"
    raise TypeError(value)


def _marked(text: str) -> str:
    """Text of a docstring as Markdown."""
    return text.replace("``", "`").replace("|", "\\|")
