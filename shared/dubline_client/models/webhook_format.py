from typing import Literal, cast

WebhookFormat = Literal["chat", "standard"]

WEBHOOK_FORMAT_VALUES: set[WebhookFormat] = {
    "chat",
    "standard",
}


def check_webhook_format(value: str) -> WebhookFormat:
    return cast(WebhookFormat, value)
