"""Whoever has a login on the machine and no secret gets nowhere: every port and socket of the whole system is tried.

Nothing here needs root, and root is granted nothing by it: that files are private is read from their modes.
"""

import os
import socket
import ssl
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import grpc
import httpx
import psycopg
import pytest
from listeners import arguments_of, ports_of, sockets_of

from dubbing.storage.s3 import S3Store
from services.stack import certificates
from services.stack.bootstrap import store_settings
from services.stack.local import LocalStack
from services.stack.processes.s3 import BUCKET
from services.stack.state import StackState

pytestmark = pytest.mark.stack
FILM = "doors/film.mp4"
# These need no key: health, metrics and documentation, none of which shows a film; signing in has a secret in its body.
OPEN = {
    *("/healthz", "/readyz", "/metrics", "/metrics/platform"),
    *("/openapi.json", "/docs", "/docs/{page}", "/llms.txt"),
    *("/errors", "/errors/{name}", "/errors.md", "/errors/{name}.md"),
    "/v1/sessions",
}
# Ports of the object store's parts, and calls of their gRPC services; an empty message is a valid one to each.
PARTS = ("s3.master", "s3.volume", "s3.filer", "s3.admin")
CALLS = {
    "s3.master.grpc": ("master_pb.Seaweed/VolumeList", "master_pb.Seaweed/Assign"),
    "s3.volume.grpc": ("volume_server_pb.VolumeServer/VolumeServerStatus", "volume_server_pb.VolumeServer/BatchDelete"),
    "s3.filer.grpc": (
        *("filer_pb.SeaweedFiler/GetFilerConfiguration", "filer_pb.SeaweedFiler/ListEntries"),
        *("filer_pb.SeaweedFiler/DeleteEntry", "filer_pb.SeaweedFiler/KvPut"),
        *("iam_pb.SeaweedIdentityAccessManagement/ListUsers", "iam_pb.SeaweedIdentityAccessManagement/CreateAccessKey"),
    ),
    "s3.s3.grpc": ("messaging_pb.SeaweedS3IamCache/PutIdentity",),
    "s3.admin.grpc": ("worker_pb.WorkerService/WorkerStream",),
}
GRPC_CALLS = [(part, call) for part, calls in CALLS.items() for call in calls]
Credentials = dict[str, grpc.ChannelCredentials | None]


@pytest.fixture(scope="module")
def store(system: LocalStack) -> Iterator[S3Store]:
    """The store, with a film in it that is there afterwards."""
    store = S3Store(store_settings(system.env()))
    store.put_bytes(FILM, b"a film")
    yield store
    assert store.get_bytes(FILM) == b"a film"
    store.delete_prefix("doors/")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates as good as the stack's, of another authority."""
    folder = tmp_path_factory.mktemp("stranger") / "certificates"
    certificates.ensure(folder, ("127.0.0.1", "localhost"))
    return folder


def address(system: LocalStack, port: str) -> str:
    return f"127.0.0.1:{system.ports()[port]}"


def mode(path: Path) -> str:
    return stat.filemode(path.stat().st_mode)


def test_all_that_listens_on_a_port_is_on_loopback_and_is_tried_here(system: LocalStack) -> None:
    found, names = ports_of(system), {number: name for name, number in system.ports().items()}
    tried = {"api", "postgres", "redis", "s3", "triton.metrics", *PARTS, *CALLS}
    assert {names.get(port.number, str(port)) for port in found} == tried
    assert {port.address for port in found} == {"127.0.0.1"}


def test_all_that_listens_on_a_socket_lies_in_a_private_folder_or_is_tried_here(system: LocalStack) -> None:
    found, tried = sockets_of(system), {grpc_socket(system, part) for part in CALLS}
    assert tried <= found
    assert {path.parent for path in found - tried} == {system.home.sockets}
    assert (mode(system.home.sockets), system.home.sockets.stat().st_uid) == ("drwx------", os.geteuid())
    assert {mode(path) for path in tried} == {"srwx------"}


def test_the_api_wants_a_key_for_all_but_health_metrics_and_documentation(system: LocalStack) -> None:
    with httpx.Client(base_url=f"http://{address(system, 'api')}", timeout=60) as api:
        described = api.get("/openapi.json").json()["paths"]
        assert len(described) > 10
        for path, methods in described.items():
            for method in methods:
                answer = api.request(method, path.replace("{", "").replace("}", ""), json={})
                assert (path in OPEN) == (answer.status_code != 401), (method, path, answer.status_code)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", f"/{BUCKET}"),
        ("GET", f"/{BUCKET}?policy"),
        ("PUT", "/another"),
        ("DELETE", f"/{BUCKET}"),
        *((method, f"/{BUCKET}/{FILM}") for method in ("GET", "HEAD", "PUT", "DELETE")),
        ("POST", f"/{BUCKET}/{FILM}?uploads"),
        ("GET", f"/{BUCKET}/{FILM}?AWSAccessKeyId=any&Signature=x&Expires=9999999999"),
    ],
)
@pytest.mark.usefixtures("store")
def test_the_store_wants_a_signature(system: LocalStack, method: str, path: str) -> None:
    body = b"another" if method == "PUT" else None
    assert httpx.request(method, f"http://{address(system, 's3')}{path}", content=body).status_code == 403


@pytest.mark.parametrize("action", ["ListUsers", "CreateUser", "CreateAccessKey", "PutUserPolicy"])
def test_nobody_makes_keys_of_the_store_without_one(system: LocalStack, action: str) -> None:
    form = {"Action": action, "Version": "2010-05-08", "UserName": "me"}
    signed = {
        "Authorization": "AWS4-HMAC-SHA256 Credential=me/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0"
    }
    for headers in ({}, signed):
        answer = httpx.post(f"http://{address(system, 's3')}/", data=form, headers=headers)
        assert answer.status_code in {400, 403}
        assert "AccessKeyId" not in answer.text


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("path", ["/", f"/buckets/{BUCKET}/{FILM}", "/dir/assign", "/status", "/metrics"])
@pytest.mark.usefixtures("store")
def test_parts_of_the_store_speak_to_each_other_alone(system: LocalStack, stranger: Path, part: str, path: str) -> None:
    place = address(system, part) + path
    assert httpx.get(f"http://{place}").status_code == 400  # HTTP to an HTTPS server
    for own in (None, stranger):
        for method in ("GET", "PUT", "DELETE"):
            with pytest.raises(httpx.TransportError), httpx.Client(verify=tls(own)) as client:
                client.request(method, f"https://{place}")


def test_parts_of_the_store_answer_whoever_has_their_certificate(system: LocalStack, store: S3Store) -> None:
    del store
    with httpx.Client(verify=tls(system.home.certificates)) as client:
        assert client.get(f"https://{address(system, 's3.filer')}/buckets/{BUCKET}/{FILM}").content == b"a film"


def tls(certificates: Path | None) -> ssl.SSLContext:
    """Shows a certificate, if there is one, and trusts everybody."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if certificates is not None:
        context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    return context


@pytest.fixture(scope="module")
def intruders(system: LocalStack, stranger: Path) -> Credentials:
    """What somebody without the stack's key can come with."""
    authority = (system.home.certificates / "ca.pem").read_bytes()
    other = [(stranger / name).read_bytes() for name in ("key.pem", "cert.pem")]
    return {
        "without TLS": None,
        "without a certificate": grpc.ssl_channel_credentials(authority),
        "with another's certificate": grpc.ssl_channel_credentials(authority, *other),
    }


@pytest.mark.parametrize(("part", "call"), GRPC_CALLS)
def test_calls_by_grpc_want_a_certificate(system: LocalStack, intruders: Credentials, part: str, call: str) -> None:
    for place in (address(system, part), f"unix:{grpc_socket(system, part)}"):
        for credentials in intruders.values():
            with pytest.raises(grpc.RpcError) as refused:
                called(place, credentials, call)
            assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("part", "call"),
    [
        ("s3.master.grpc", "master_pb.Seaweed/VolumeList"),
        ("s3.volume.grpc", "volume_server_pb.VolumeServer/VolumeServerStatus"),
        ("s3.filer.grpc", "filer_pb.SeaweedFiler/GetFilerConfiguration"),
    ],
)
def test_calls_by_grpc_with_the_certificate_are_answered(system: LocalStack, part: str, call: str) -> None:
    own = [(system.home.certificates / name).read_bytes() for name in ("ca.pem", "key.pem", "cert.pem")]
    for place in (address(system, part), f"unix:{grpc_socket(system, part)}"):
        assert called(place, grpc.ssl_channel_credentials(*own), call)


def grpc_socket(system: LocalStack, part: str) -> Path:
    """Where the part's gRPC service listens besides its port; its path cannot be chosen."""
    name = part.removeprefix("s3.").removesuffix(".grpc")
    return Path("/tmp") / f"seaweedfs-{name}-grpc-{system.ports()[part]}.sock"  # noqa: S108 - SeaweedFS's choice


def called(place: str, credentials: grpc.ChannelCredentials | None, call: str) -> object:
    options = [("grpc.ssl_target_name_override", "localhost")]
    secure = credentials and grpc.secure_channel(place, credentials, options)
    with secure or grpc.insecure_channel(place) as channel:
        return channel.unary_unary(f"/{call}")(b"", timeout=120)


@pytest.mark.parametrize("command", ["PING", "KEYS *", "GET unacked", "CONFIG GET *", "FLUSHALL", "ACL LIST"])
def test_redis_wants_its_password(system: LocalStack, command: str) -> None:
    with closing(socket.create_connection(("127.0.0.1", system.ports()["redis"]), 60)) as connection:
        connection.sendall(f"{command}\r\n".encode())
        assert connection.recv(100).startswith(b"-NOAUTH")


@pytest.mark.parametrize("user", ["dubline", "dubline_api", "dubline_worker", "postgres", "nobody"])
@pytest.mark.parametrize("password", ["", "dubline"])
def test_the_database_wants_its_password(system: LocalStack, user: str, password: str) -> None:
    place = {"host": "127.0.0.1", "port": system.ports()["postgres"], "user": user, "dbname": "dubline"}
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(**place, password=password)


@pytest.mark.parametrize(
    "path",
    [
        "/v2",
        "/v2/models/lip_student_tiny/infer",
        "/v2/repository/models/lip_student_tiny/load",
        "/v2/logging",
        "/v2/trace/setting",
    ],
)
def test_the_inference_server_has_nothing_but_its_metrics_on_a_port(system: LocalStack, path: str) -> None:
    place = f"http://{address(system, 'triton.metrics')}"
    assert "nv_inference_request_success" in httpx.get(f"{place}/metrics").text
    assert httpx.get(place + path).text == ""
    assert httpx.post(place + path, json={}).status_code == 405


def test_folders_are_passable_by_their_owner_alone_and_what_shows_something_is_readable_by_its_owner_alone(
    system: LocalStack,
) -> None:
    home, state = system.home, StackState.load(system.home.state_file)
    database = Path(state.folders.get("postgres", home.data))
    folders = [home.root, home.data, home.logs, home.run, home.certificates, *database.glob("postgres-*")]
    assert {path: mode(path) for path in folders} == dict.fromkeys(folders, "drwx------")
    files = [
        home.state_file,
        home.run / "plan.json",
        home.run / "redis.conf",
        *home.logs.iterdir(),
        *home.certificates.iterdir(),
    ]
    assert {path: mode(path) for path in files} == dict.fromkeys(files, "-rw-------")


def test_frames_on_their_way_to_the_models_are_readable_by_their_owner_alone(system: LocalStack) -> None:
    regions = list(Path("/dev/shm").glob(f"{system.home.name}-*"))  # noqa: S108 - where shared memory is
    assert len(regions) >= 3  # of each instance of a model at least one
    assert {mode(path) for path in regions} == {"-rw-------"}


def test_no_secret_stands_in_the_arguments_of_a_process(system: LocalStack) -> None:
    state = StackState.load(system.home.state_file)
    secrets = [*state.secrets.values(), state.api_key]
    assert len(secrets) >= 5
    assert not [word for word in arguments_of(system) for secret in secrets if secret and secret in word]
