"""The clients that we use, beside a proxy that the environment names."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from listening_proxy import ListeningProxy
from waiting import LIMIT, until

from dubbing.proxies import bypass_for_loopback

CLIENTS = {
    "httpx": "import httpx; httpx.get('http://{target}/', timeout={seconds})",
    "urllib": "import urllib.request; urllib.request.urlopen('http://{target}/', timeout={seconds})",
    "boto3": """
from dubbing.settings import S3Settings
from dubbing.storage.s3 import S3Store
S3Store(S3Settings(endpoint='http://{target}', access_key='a', secret_key='b')).check()
""",
    "grpc": """
import grpc
grpc.channel_ready_future(grpc.insecure_channel('{target}')).result({seconds})
""",
}


@pytest.fixture
def proxy() -> Iterator[ListeningProxy]:
    with ListeningProxy() as recorder:
        yield recorder


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address at which nobody answers, so that whoever asks there asks nobody."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


def asking(client: str, target: str, proxy: ListeningProxy, *, spared: bool) -> subprocess.Popen[bytes]:
    """Runs the client in a process of its own: some read the environment only once."""
    before = "import dubbing.proxies; dubbing.proxies.bypass_for_loopback()\n" if spared else ""
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "grpc_proxy"), proxy.url)
    environ = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    command = [sys.executable, "-c", before + CLIENTS[client].format(target=target, seconds=1 if spared else 600)]
    return subprocess.Popen(command, env={**environ, **proxies}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def heard(client: str, target: str, proxy: ListeningProxy, *, spared: bool) -> list[str]:
    """What the proxy hears first of a client, which is ended then."""
    process = asking(client, target, proxy, spared=spared)
    try:
        return until(lambda: list(proxy.heard), "the proxy hears nothing")
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("client", CLIENTS)
def test_loopback_is_asked_without_the_proxy(client: str, proxy: ListeningProxy, nobody: str) -> None:
    asking(client, nobody, proxy, spared=True).wait(LIMIT)
    assert proxy.heard == []


@pytest.mark.parametrize("client", CLIENTS)
def test_without_it_the_proxy_would_hear(client: str, proxy: ListeningProxy, nobody: str) -> None:
    assert all(nobody in line for line in heard(client, nobody, proxy, spared=False))


@pytest.mark.parametrize("client", ["httpx", "urllib"])
def test_other_addresses_still_go_through_the_proxy(client: str, proxy: ListeningProxy) -> None:
    assert heard(client, "films.example", proxy, spared=True)


def test_the_command_line_tells_its_key_to_the_api_alone(proxy: ListeningProxy) -> None:
    with ListeningProxy("401 Unauthorized") as api:
        environ = {"DUBLINE_API_URL": api.url, "DUBLINE_API_KEY": "dub_k", "http_proxy": proxy.url, "ALL_PROXY": proxy.url}
        command = [sys.executable, "-m", "services.cli.main", "jobs"]
        subprocess.run(command, env={**os.environ, "no_proxy": "", "NO_PROXY": "", **environ}, capture_output=True, check=False)
        assert (len(api.heard), proxy.heard) == (1, [])


def test_what_was_excepted_before_stays_and_nothing_comes_twice() -> None:
    environ = {"no_proxy": "s3.internal, localhost", "NO_PROXY": "10.0.0.1"}
    bypass_for_loopback(environ)
    bypass_for_loopback(environ)
    assert environ["no_proxy"] == environ["NO_PROXY"] == "s3.internal,localhost,10.0.0.1,127.0.0.1,::1"


def test_every_loopback_address_that_a_setting_names_is_excepted() -> None:
    environ = {
        "DUBLINE_API_URL": "http://127.0.0.2:8080",
        "DUBLINE_REDIS_URL": "redis://:secret@127.1.2.3:6379/0",
        "DUBLINE_TRITON_URL": "127.0.0.4:8001",
        "DUBLINE_S3_ENDPOINT": "https://s3.example",
        "OTHER": "http://127.0.0.5",
    }
    bypass_for_loopback(environ)
    assert environ["no_proxy"] == "localhost,127.0.0.1,::1,127.0.0.2,127.1.2.3,127.0.0.4"
