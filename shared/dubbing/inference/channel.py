"""The inference server's gRPC service, on a port or on a Unix socket."""

from typing import Any

from pydantic import SecretStr
from tritonclient import grpc

from dubbing.settings import TRITON_SECRET_HEADER


def grpc_client(url: str, secret: SecretStr | None, **options: Any) -> grpc.InferenceServerClient:
    """A client of the server at ``url`` (``host:port``, or ``unix:/path``).

    Args:
        url: the server's gRPC address.
        secret: what it asks for; None or empty where it asks for nothing.
        options: of `tritonclient.grpc.InferenceServerClient`.
    """
    client = grpc.InferenceServerClient(url, **options)
    if secret is not None and secret.get_secret_value():
        value = secret.get_secret_value()

        def identify(request: Any) -> None:
            request.headers[f"triton-grpc-protocol-{TRITON_SECRET_HEADER}"] = value

        client.register_plugin(identify)  # it is called before every call
    return client
