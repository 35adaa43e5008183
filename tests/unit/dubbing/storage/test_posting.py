"""Webhook endpoints are called like files are fetched: at the address that was checked, and nowhere inside."""

import ssl
from collections.abc import Iterator
from contextlib import closing
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from web_server import HERE, NEAR, WebServer, leading, sending

from dubbing.errors import EndpointUnreachable, FetchFailed, UrlNotAllowed
from dubbing.settings import WebhookSettings
from dubbing.storage.posting import Poster
from services.stack import certificates

HOSTS = ("studio.example", "localhost", "127.0.0.1", "[::1]", "::1", "2130706433", "127.1", "0x7f000001", "::ffff:7f00:1")


@pytest.fixture
def server() -> Iterator[WebServer]:
    server = WebServer()
    server.answers["/hook?a=1"] = sending(b"taken" * 2000, {}, 202)
    yield server
    server.close()


def poster(*answers: str, **settings: Any) -> tuple[Poster, list[str]]:
    """What posts, where every name leads to these addresses in turn; and the names that were resolved."""
    left, names = list(answers or [HERE]), []

    def resolve(host: str, port: int) -> Any:
        del port
        names.append(host)
        return [ip_address(left.pop(0) if len(left) > 1 else left[0])]

    return Poster(WebhookSettings(**{"ranges": NEAR, "http_hosts": HOSTS, **settings}), resolve), names


def test_a_call_goes_to_the_checked_address_and_reads_the_beginning_of_the_answer(server: WebServer) -> None:
    posts, names = poster(HERE, "127.0.0.1")  # a second answer would lead inside
    answer = posts.post(f"http://studio.example:{server.port}/hook?a=1#x", b"{}", {"webhook-id": "1"})
    assert (answer.status, answer.body) == (202, (b"taken" * 2000)[:4096])
    assert names == ["studio.example"]
    ((path, headers, body),) = server.posted
    assert (path, body, headers["host"]) == ("/hook?a=1", b"{}", f"studio.example:{server.port}")
    assert (headers["webhook-id"], headers["content-type"]) == ("1", "application/json")


def test_a_redirect_is_an_answer(server: WebServer) -> None:
    server.answers["/start"] = leading("/hook?a=1")
    assert poster()[0].post(f"http://studio.example:{server.port}/start", b"", {}).status == 302
    assert len(server.posted) == 1


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "localhost", "[::1]", "[::ffff:127.0.0.1]", "studio.example"]
)
def test_this_machine_is_not_called_even_if_everything_is_open(host: str) -> None:
    everything: Any = {"hosts": HOSTS, "ranges": ("0.0.0.0/0", "::/0"), "http_hosts": HOSTS}
    posts, _ = poster("127.0.0.1", **everything)
    with closing(WebServer("127.0.0.1")) as inside, pytest.raises(UrlNotAllowed):
        posts.post(f"http://{host}:{inside.port}/", b"", {})
    assert inside.posted == []


def test_private_addresses_and_http_are_open_where_the_operator_says_so(server: WebServer) -> None:
    url = f"http://studio.example:{server.port}/hook?a=1"
    with pytest.raises(UrlNotAllowed):
        poster(ranges=())[0].post(url, b"", {})
    with pytest.raises(UrlNotAllowed):
        poster(http_hosts=())[0].post(url, b"", {})
    assert poster(ranges=(), hosts=("studio.example",))[0].post(url, b"", {}).status == 202


def test_over_tls_the_certificate_must_be_that_of_the_name(server: WebServer, tmp_path: Path) -> None:
    certificates.ensure(tmp_path / "certificates", ("studio.example",))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificates/cert.pem", tmp_path / "certificates/key.pem")
    server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
    posts, _ = poster(http_hosts=())
    posts._tls.load_verify_locations(tmp_path / "certificates/ca.pem")
    assert posts.post(f"https://studio.example:{server.port}/hook?a=1", b"{}", {}).status == 202
    with pytest.raises(EndpointUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
        posts.post(f"https://other.example:{server.port}/hook?a=1", b"{}", {})
    assert len(server.posted) == 1


def test_who_is_not_there_is_unreachable(server: WebServer) -> None:
    url = f"http://studio.example:{server.port}/hook?a=1"
    server.http.socket.close()
    with pytest.raises(EndpointUnreachable, match="did not answer"):
        poster()[0].post(url, b"", {})

    def unknown(host: str, port: int) -> Any:
        raise FetchFailed(f"There is no host {host}:{port}.")

    with pytest.raises(EndpointUnreachable, match="There is no host"):
        Poster(WebhookSettings(), unknown).post("https://none.example/", b"", {})
