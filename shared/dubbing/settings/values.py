"""How settings are written in variables of the environment."""

import json
import os


def named(given: object) -> object:
    """None for an empty variable, which names no path."""
    return given or None


def with_commas(given: object) -> object:
    """The parts of a text with commas between."""
    return tuple(part.strip() for part in given.split(",") if part.strip()) if isinstance(given, str) else given


def mapped(given: object) -> object:
    """What a text says as JSON; an empty one says nothing."""
    return json.loads(given) if isinstance(given, str) and given.strip() else given or {}


def listed(given: object) -> object:
    """As PATH lists them: with colons between."""
    return tuple(filter(None, given.split(os.pathsep))) if isinstance(given, str) else given
