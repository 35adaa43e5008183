"""Importing this makes the trainer's methods run where structlog is not installed: what they log is printed."""

import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Any


class _Logger:
    def __getattr__(self, level: str) -> Any:
        return lambda event, **values: print(
            f"{level}: {event}", *(f"{key}={value}" for key, value in values.items()), flush=True
        )


if find_spec("structlog") is None:
    module = ModuleType("structlog")
    module.get_logger = lambda *_: _Logger()  # type: ignore[attr-defined]
    sys.modules["structlog"] = module
