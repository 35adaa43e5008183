from typing import Literal, cast

EndpointSecretStatus = Literal["disabled", "enabled"]

ENDPOINT_SECRET_STATUS_VALUES: set[EndpointSecretStatus] = {
    "disabled",
    "enabled",
}


def check_endpoint_secret_status(value: str) -> EndpointSecretStatus:
    return cast(EndpointSecretStatus, value)
