from typing import Literal, cast

EndpointOutStatus = Literal["disabled", "enabled"]

ENDPOINT_OUT_STATUS_VALUES: set[EndpointOutStatus] = {
    "disabled",
    "enabled",
}


def check_endpoint_out_status(value: str) -> EndpointOutStatus:
    return cast(EndpointOutStatus, value)
