"""Structured logs: static event names, values as keywords, one JSON object per line."""

import logging
import sys
from collections.abc import MutableMapping
from functools import partial
from typing import Any

import structlog

from dubbing.settings import LoggingSettings


def configure_logging(settings: LoggingSettings, service: str) -> None:
    """Send structlog and the standard library's records through the same processors to stderr."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        partial(_of_service, service),
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if settings.format == "json"
        else [structlog.dev.ConsoleRenderer()]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.level)
    # It would log whole URLs: signatures are in queries of files' URLs, and a chat's hook is a secret as a whole.
    logging.getLogger("httpx").setLevel(logging.WARNING)


def _of_service(service: str, _: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Names the service on every line; a bound variable would be missing on the threads that a pool starts."""
    event["service"] = service
    return event
