"""Files at customers' URLs are fetched from real servers, and the platform is sent nowhere else."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from web_server import HERE, NEAR, Answer, WebServer, leading, sending

from dubbing import clock
from dubbing.errors import DublineError, FetchFailed, FetchInterrupted, FileTooLarge, UrlNotAllowed
from dubbing.settings import FetchSettings
from dubbing.storage.remote import RemoteFiles, checked, name_of, resolved, shown
from services.stack import certificates

FILM = b"film" * 1000


@pytest.fixture
def server() -> Iterator[WebServer]:
    server = WebServer()
    server.answers["/film.mp4"] = sending(FILM, {"Content-Type": "video/mp4"})
    yield server
    server.close()


def remote(*answers: str, **settings: Any) -> tuple[RemoteFiles, list[str]]:
    """What fetches, where every name leads to these addresses in turn; and the names that were resolved."""
    left, names = list(answers or [HERE]), []

    def resolve(host: str, port: int) -> Any:
        del port
        names.append(host)
        return [ip_address(left.pop(0) if len(left) > 1 else left[0])]

    return RemoteFiles(FetchSettings(**{"ranges": NEAR, **settings}), resolve), names


def refused(error: type[DublineError], url: str, path: Path, files: RemoteFiles | None = None) -> DublineError:
    with pytest.raises(error) as caught:
        (files or remote()[0]).fetch(url, path)
    return caught.value


def test_a_file_is_fetched_from_the_address_that_was_checked_under_the_name_that_was_asked(
    server: WebServer, tmp_path: Path
) -> None:
    files, names = remote()
    files.fetch(f"http://studio.example:{server.port}/film.mp4?sig=secret#part", tmp_path / "film")
    assert (tmp_path / "film").read_bytes() == FILM
    assert names == ["studio.example"]
    assert server.asked == [(f"studio.example:{server.port}", "/film.mp4?sig=secret")]


def test_a_name_that_leads_elsewhere_when_it_is_asked_again_is_not_asked_again(server: WebServer, tmp_path: Path) -> None:
    files, names = remote(HERE, "127.0.0.1")
    files.fetch(f"http://rebinding.example:{server.port}/film.mp4", tmp_path / "film")
    assert names == ["rebinding.example"]


def test_one_address_among_several_that_must_not_be_asked_is_enough(tmp_path: Path) -> None:
    files = RemoteFiles(FetchSettings(), lambda *_: [ip_address("93.184.216.34"), ip_address("127.0.0.1")])
    refused(UrlNotAllowed, "http://both.example/film.mp4", tmp_path / "film", files)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "localhost", "[::1]", "[::]"),
        *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "169.254.169.254", "2852039166", "0xa9fea9fe"),
        *("[fe80::1]", "[fd00:ec2::254]", "168.63.129.16"),
    ],
)
def test_no_way_to_write_this_machine_or_metadata_is_asked_even_if_it_is_opened(host: str, tmp_path: Path) -> None:
    everything = FetchSettings(hosts=(host.strip("[]"),), ranges=("0.0.0.0/0", "::/0"))  # type: ignore[arg-type]
    with closing(WebServer("127.0.0.1")) as server:
        refused(UrlNotAllowed, f"http://{host}:{server.port}/film.mp4", tmp_path / "film", RemoteFiles(everything))
        assert server.asked == []


@pytest.mark.parametrize("host", ["10.1.2.3", "167838211", "192.168.1.1", "[fd12::1]", "[::ffff:10.1.2.3]"])
def test_private_networks_are_not_asked(host: str, tmp_path: Path) -> None:
    refused(UrlNotAllowed, f"http://{host}/film.mp4", tmp_path / "film", RemoteFiles(FetchSettings()))


def test_a_host_that_the_operator_opens_may_lie_in_a_private_network(server: WebServer, tmp_path: Path) -> None:
    url = f"http://storage.studio:{server.port}/film.mp4"
    refused(UrlNotAllowed, url, tmp_path / "film", remote(ranges=())[0])
    remote(ranges=(), hosts=("storage.studio",))[0].fetch(url, tmp_path / "film")
    assert (tmp_path / "film").read_bytes() == FILM


@pytest.mark.parametrize(
    "url",
    [
        *(
            "ftp://studio.example/film.mp4",
            "file:///etc/passwd",
            "//studio.example/film.mp4",
            "film.mp4",
            "",
            "http://",
            "http:///film",
        ),
        *(
            "https://me:secret@studio.example/film.mp4",
            "https://me@studio.example/film.mp4",
            "http://a b/",
            "http://studio.example:0/",
        ),
        *(
            "http://studio.example:99999/",
            "http://[::1/film.mp4",
            "gopher://studio.example/",
            "http://\ud800/",
            "javascript:alert(1)",
        ),
    ],
)
def test_what_is_no_plain_address_of_the_web_is_refused_before_anything_is_resolved(url: str, tmp_path: Path) -> None:
    files, names = remote()
    error = refused(UrlNotAllowed, url, tmp_path / "film", files)
    assert names == []
    assert "secret" not in str(error)


def test_every_redirect_is_checked_like_the_url_itself(server: WebServer, tmp_path: Path) -> None:
    start = f"http://studio.example:{server.port}/start"
    server.answers["/start"] = leading("/film.mp4")
    remote()[0].fetch(start, tmp_path / "film")
    assert (tmp_path / "film").read_bytes() == FILM
    with closing(WebServer("127.0.0.1")) as inside:
        for location in (f"http://127.0.0.1:{inside.port}/film.mp4", f"http://[::ffff:127.0.0.1]:{inside.port}/film.mp4"):
            server.answers["/start"] = leading(location)
            refused(UrlNotAllowed, start, tmp_path / "film", RemoteFiles(FetchSettings(ranges=NEAR), by_name))
        assert inside.asked == []
    for location in ("ftp://studio.example/film.mp4", f"http://me:secret@studio.example:{server.port}/film.mp4"):
        server.answers["/start"] = leading(location)
        refused(UrlNotAllowed, start, tmp_path / "film")
    server.answers["/start"] = leading("/start")
    refused(FetchFailed, start, tmp_path / "film")


def by_name(host: str, port: int) -> Any:
    """The real resolver, but for one name."""
    return [ip_address(HERE)] if host == "studio.example" else resolved(host, port)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (sending(b"<html>", {"Content-Type": "text/html; charset=utf-8"}), FetchFailed),
        (sending(b"no", {}, 403), FetchFailed),
        (sending(b"no", {}, 404), FetchFailed),
        (sending(b"part", {"Content-Type": "video/mp4"}, 206), FetchFailed),
        (sending(b"zip", {"Content-Type": "video/mp4", "Content-Encoding": "gzip"}), FetchFailed),
        (sending(b"busy", {}, 503), FetchInterrupted),
        (sending(b"slow down", {}, 429), FetchInterrupted),
        (sending(b"x" * 5000, {"Content-Type": "video/mp4"}), FileTooLarge),
        (sending(b"x" * 5000, {"Content-Type": "video/mp4", "Content-Length": "10000"}), FileTooLarge),
        (sending(b"x" * 10, {"Content-Type": "video/mp4", "Content-Length": "4000"}), FetchInterrupted),
        (lambda to: to.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 5000), FileTooLarge),
        (lambda to: to.wfile.write(b"nonsense\r\n\r\n"), FetchInterrupted),
    ],
)
def test_what_is_not_a_whole_file_of_media_within_the_limits_is_refused(
    server: WebServer, tmp_path: Path, answer: Answer, error: type[DublineError]
) -> None:
    server.answers["/film.mp4"] = answer
    found = refused(error, f"http://studio.example:{server.port}/film.mp4?sig=secret", tmp_path / "film", remote(bytes=4500)[0])
    assert "secret" not in f"{found} {found.where}"
    assert found.retryable == (error is FetchInterrupted)


def test_a_server_that_takes_too_long_is_given_up(server: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 3.0])
    monkeypatch.setattr(clock, "monotonic", lambda: next(times))
    refused(FetchFailed, f"http://studio.example:{server.port}/film.mp4", tmp_path / "film", remote(seconds=2.0)[0])


def test_a_fetch_ends_when_its_caller_says_so(server: WebServer, tmp_path: Path) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        remote()[0].fetch(f"http://studio.example:{server.port}/film.mp4", tmp_path / "film", stop)


def test_who_is_not_there_is_tried_again_later(tmp_path: Path) -> None:
    with closing(socket.socket()) as free:
        free.bind((HERE, 0))
        refused(FetchInterrupted, f"http://studio.example:{free.getsockname()[1]}/film.mp4", tmp_path / "film")


def test_over_tls_the_certificate_must_be_that_of_the_name(server: WebServer, tmp_path: Path) -> None:
    certificates.ensure(tmp_path / "certificates", ("studio.example",))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificates/cert.pem", tmp_path / "certificates/key.pem")
    server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
    files, _ = remote()
    files._tls.load_verify_locations(tmp_path / "certificates/ca.pem")
    files.fetch(f"https://studio.example:{server.port}/film.mp4", tmp_path / "film")
    assert (tmp_path / "film").read_bytes() == FILM
    refused(FetchInterrupted, f"https://other.example:{server.port}/film.mp4", tmp_path / "film", files)
    server.answers["/start"] = leading(f"http://studio.example:{server.port}/film.mp4")
    refused(UrlNotAllowed, f"https://studio.example:{server.port}/start", tmp_path / "film", files)


def test_names_are_those_of_the_path_and_signatures_are_not_shown() -> None:
    url = checked("https://studio.example/a/Gro%C3%9Fe%20Datei.MOV?X-Amz-Signature=secret#t=1")
    assert name_of(url) == "Große Datei.MOV"
    assert "secret" not in shown(url)
    assert name_of(checked("https://studio.example/a/%00")) == ""
    assert name_of(checked("https://studio.example/")) == ""
