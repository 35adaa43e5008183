"""What a new plan changes in processes that run, and how to say so."""

from collections.abc import Iterator, Mapping

from services.stack.plan import ProcessSpec

# Terminals and editors put their own programs on it; those of the stack are the same everywhere.
_NO_REASON = "PATH"
_MANY = 3


def kept(running: Mapping[str, ProcessSpec], wanted: Mapping[str, ProcessSpec]) -> dict[str, ProcessSpec]:
    """``wanted``, but what already runs for a process whose search path alone has changed."""
    return {
        name: running[name] if name in running and not _reasons(running[name], new) else new for name, new in wanted.items()
    }


def restart_reasons(running: Mapping[str, ProcessSpec], wanted: Mapping[str, ProcessSpec]) -> Iterator[str]:
    """A sentence for each cause for which processes that run are started again; values are not told, they may be secret."""
    affected: dict[tuple[str, ...], list[str]] = {}
    for name, new in wanted.items():
        if name in running and (reasons := _reasons(running[name], new)):
            affected.setdefault(reasons, []).append(name)
    for reasons, names in affected.items():
        what = ", ".join(reasons) if len(reasons) <= _MANY else "much"
        yield f"Starting {', '.join(names)} again: {what} changed"


def _reasons(old: ProcessSpec, new: ProcessSpec) -> tuple[str, ...]:
    variables = sorted(name for name in old.env.keys() | new.env.keys() if old.env.get(name) != new.env.get(name))
    same = old.model_copy(update={"env": new.env}) == new
    return (*(name for name in variables if name != _NO_REASON), *(() if same else ("how it is run",)))
