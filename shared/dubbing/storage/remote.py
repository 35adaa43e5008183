"""Files at URLs that customers name: fetched without being sent where a customer must not reach.

A name is resolved once, and the connection goes to the address that was checked, so that no second answer of a name server can
lead elsewhere. Each redirect is checked like the URL itself. No proxy of the environment is asked: it would resolve again.
"""

import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx

from dubbing import clock
from dubbing.errors import FetchFailed, FetchInterrupted, FileTooLarge, UrlNotAllowed
from dubbing.settings import FetchSettings
from dubbing.storage.addresses import Address, Network, refusal

Resolve = Callable[[str, int], Sequence[Address]]
_EVERYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))
_HOST = re.compile(rb"[A-Za-z0-9._:-]+")
_PORTS = {"http": 80, "https": 443}
_CONNECT_SECONDS = 10.0
_BLOCK = 1 << 20
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "dubline"}
_OF_BUCKETS = 'name a storage connection to its bucket: {"type": "s3", "url": "s3://...", "connection": "con_..."}'
_TYPES = ("video/", "audio/")
_NEUTRAL = frozenset(
    {"", "application/octet-stream", "binary/octet-stream", "application/mxf", "application/ogg", "application/mp4"}
)


def checked(text: str) -> httpx.URL:
    """A URL that may be asked as far as can be told without resolving it; without its fragment.

    Raises:
        UrlNotAllowed: it is none, has another scheme than http and https, or holds a user or a password.
    """
    try:
        url = httpx.URL(text).copy_with(fragment=None)
        port = url.port
    except (httpx.InvalidURL, ValueError) as error:
        raise UrlNotAllowed(f"This is no URL: {error}.") from error
    if url.scheme not in _PORTS or not _HOST.fullmatch(url.raw_host):
        raise UrlNotAllowed(
            "A URL begins with https:// or http:// and names a host.",
            where={"scheme": url.scheme},
            suggestions=(_OF_BUCKETS,) if url.scheme == "s3" else (),
        )
    if url.userinfo:
        raise UrlNotAllowed(
            "The URL holds a user or a password.",
            suggestions=("Send one that is signed for a time, as object stores make them.",),
        )
    if not 0 < (443 if port is None else port) < 1 << 16:
        raise UrlNotAllowed("Ports are numbers from 1 to 65535.")
    return url


def name_of(url: httpx.URL) -> str:
    """The file's name as the URL has it; empty where it has none that can be stored."""
    name = unquote(url.path.rpartition("/")[2], errors="replace")
    return name[-255:] if name.isprintable() else ""


def shown(url: httpx.URL) -> str:
    """The URL without its query, which may hold a signature."""
    return str(url.copy_with(query=None))


def resolved(host: str, port: int) -> Sequence[Address]:
    """The addresses of a host, in the order in which they are to be tried; raises `FetchFailed` or `FetchInterrupted`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            raise FetchInterrupted(f"The name {host} could not be resolved now.", where={"host": host}) from error
        raise FetchFailed(f"There is no host {host}.", where={"host": host}) from error
    return [ip_address(str(place[0]).partition("%")[0]) for *_, place in found]


def written(host: str, port: int) -> Sequence[Address]:
    """The addresses that a host's own text is, in any way of writing them (127.1, 2130706433); none for a name."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return []
    return [ip_address(str(place[0]).partition("%")[0]) for *_, place in found]


def permitted(url: httpx.URL, hosts: Sequence[str], ranges: Sequence[Network], resolve: Resolve) -> Sequence[Address]:
    """All addresses of a URL's host: none of them may be one that must not be asked.

    Args:
        url: that was `checked`.
        hosts: names that may lead to private addresses.
        ranges: private addresses that are open.
        resolve: a host and port's addresses.

    Raises:
        UrlNotAllowed: one of them must not be asked.
    """
    found = resolve(url.host, url.port or _PORTS[url.scheme])
    opened = _EVERYWHERE if url.host in hosts else ranges
    for address in found:
        why = refusal(address, opened)
        if why is not None:
            raise UrlNotAllowed(f"{url.host} leads to {address}: {why}.", where={"url": shown(url)})
    return found


def directed(url: httpx.URL, address: Address, headers: Mapping[str, str]) -> dict[str, Any]:
    """What a request to ``address`` for what lies at ``url`` is built of: its certificate must be that of the URL's host."""
    there = url.copy_with(host=f"[{address}]" if isinstance(address, IPv6Address) else str(address))
    named = {"Host": url.netloc.decode("ascii"), **headers}
    return {"url": there, "headers": named, "extensions": {"sni_hostname": url.raw_host.decode("ascii")}}


class RemoteFiles:
    """Fetches files.

    Args:
        settings: what is open, and how much is taken.
        resolve: a host and port's addresses.
    """

    def __init__(self, settings: FetchSettings, resolve: Resolve = resolved) -> None:
        self._settings = settings
        self._resolve = resolve
        self._tls = ssl.create_default_context()

    def fetch(self, text: str, path: Path, go_on: Callable[[], None] = lambda: None) -> None:
        """Write the file at a URL to ``path``.

        Args:
            text: the URL.
            path: is written to as bytes arrive.
            go_on: is called now and then; what it raises ends the fetch.

        Raises:
            UrlNotAllowed: the URL, or one that it redirects to, must not be asked.
            FetchFailed: the server refuses, sends something else than media, or sends for too long.
            FileTooLarge: the file is larger than the limit.
            FetchInterrupted: the server is not there, has trouble of its own, or broke off.
        """
        until, url = clock.monotonic() + self._settings.seconds, checked(text)
        for _ in range(self._settings.redirects + 1):
            with self._asked(url) as answer:
                if not answer.has_redirect_location:
                    self._check(answer, url)
                    self._save(answer, url, path, until, go_on)
                    return
                url = self._redirected(url, answer.headers["Location"])
        raise FetchFailed(f"There are more than {self._settings.redirects} redirects.", where={"url": shown(url)})

    def _redirected(self, url: httpx.URL, location: str) -> httpx.URL:
        try:
            following = checked(str(url.join(location)))
        except httpx.InvalidURL as error:
            raise UrlNotAllowed("The server redirects to what is no URL.", where={"url": shown(url)}) from error
        if url.scheme == "https" and following.scheme == "http":
            raise UrlNotAllowed("The server redirects from https to http.", where={"url": shown(url)})
        return following

    @contextmanager
    def _asked(self, url: httpx.URL) -> Iterator[httpx.Response]:
        """The answer's head; the connection goes to an address that was checked."""
        timeout = httpx.Timeout(self._settings.silence, connect=_CONNECT_SECONDS)
        with httpx.Client(verify=self._tls, trust_env=False, timeout=timeout) as client:
            *others, last = permitted(url, self._settings.hosts, self._settings.ranges, self._resolve)
            for address in (*others, last):
                try:
                    answer = client.send(client.build_request("GET", **directed(url, address, _HEADERS)), stream=True)
                except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                    if address is last:
                        raise FetchInterrupted(f"{url.host} cannot be reached: {error}.", where={"url": shown(url)}) from error
                except httpx.TransportError as error:
                    raise FetchInterrupted(f"{url.host} did not answer: {error}.", where={"url": shown(url)}) from error
                else:
                    try:
                        yield answer
                    finally:
                        answer.close()
                    return

    def _check(self, answer: httpx.Response, url: httpx.URL) -> None:
        """Refuse what is no whole file of media, by the answer's head."""
        where = {"url": shown(url), "status": answer.status_code}
        if answer.status_code >= 500 or answer.status_code == 429:
            raise FetchInterrupted(f"{url.host} answers with status {answer.status_code}.", where=where)
        if answer.status_code != 200:
            raise FetchFailed(f"{url.host} answers with status {answer.status_code}.", where=where)
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind not in _NEUTRAL and not kind.startswith(_TYPES):
            raise FetchFailed(f"{url.host} sends {kind}, which is neither video nor audio.", where=where)
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise FetchFailed(f"{url.host} sends the file compressed, which nobody asked for.", where=where)
        self._within(int(answer.headers.get("Content-Length", 0)), url)

    def _save(self, answer: httpx.Response, url: httpx.URL, path: Path, until: float, go_on: Callable[[], None]) -> None:
        """Write the body, and give up at the limits, whatever the answer's head has promised."""
        size = 0
        try:
            with path.open("wb") as file:
                for block in answer.iter_raw(_BLOCK):
                    size += len(block)
                    self._within(size, url)
                    if clock.monotonic() > until:
                        raise FetchFailed(
                            f"{url.host} took longer than {self._settings.seconds:.0f} s.", where={"url": shown(url)}
                        )
                    file.write(block)
                    go_on()
        except httpx.TransportError as error:
            raise FetchInterrupted(f"{url.host} broke off after {size} bytes: {error}.", where={"url": shown(url)}) from error

    def _within(self, size: int, url: httpx.URL) -> None:
        if size > self._settings.bytes:
            limit = {"limit": self._settings.bytes}
            raise FileTooLarge(f"{url.host} sends more than {limit['limit']} bytes.", where={"url": shown(url)}, media=limit)
