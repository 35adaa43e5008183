"""The inference server's HTTP service, on a port or on a Unix socket: it says which models are served, and why not others."""

import httpx

from dubbing.settings import TRITON_SECRET_HEADER, TritonSettings


def http_client(triton: TritonSettings, timeout: float) -> httpx.Client:
    """A client whose paths begin at the server, such as ``/v2/health/ready``."""
    url, socket = triton.http_url, triton.http_url.removeprefix("unix:")
    there = httpx.HTTPTransport(uds=socket, verify=False) if socket != url else None  # no TLS on a socket
    headers = {TRITON_SECRET_HEADER: secret} if (secret := triton.secret.get_secret_value()) else {}
    return httpx.Client(base_url="http://triton" if there else url, headers=headers, timeout=timeout, transport=there)
