from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.endpoint_secret_status import EndpointSecretStatus, check_endpoint_secret_status
from ..models.webhook_event import WebhookEvent, check_webhook_event
from ..models.webhook_format import WebhookFormat, check_webhook_format
from ..types import UNSET, Unset

T = TypeVar("T", bound="EndpointSecret")


@_attrs_define
class EndpointSecret:
    """An endpoint with its new secret, which is shown this once: null where the same request is answered again.

    Attributes:
        id (str):
        url (str):
        format_ (WebhookFormat): ``standard`` bodies are for programs; ``chat`` ones, ``{"text": ...}``, for the
            incoming hooks of chats like Slack.
        events (list[WebhookEvent]):
        description (None | str):
        status (EndpointSecretStatus):
        secrets (int):
        failing_since (datetime.datetime | None):
        disabled_at (datetime.datetime | None):
        disabled_reason (None | str):
        created_at (datetime.datetime):
        secret (None | str):
    """

    id: str
    url: str
    format_: WebhookFormat
    events: list[WebhookEvent]
    description: None | str
    status: EndpointSecretStatus
    secrets: int
    failing_since: datetime.datetime | None
    disabled_at: datetime.datetime | None
    disabled_reason: None | str
    created_at: datetime.datetime
    secret: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        url = self.url

        format_: str = self.format_

        events = []
        for events_item_data in self.events:
            events_item: str = events_item_data
            events.append(events_item)

        description: None | str
        description = self.description

        status: str = self.status

        secrets = self.secrets

        failing_since: None | str
        if isinstance(self.failing_since, datetime.datetime):
            failing_since = self.failing_since.isoformat()
        else:
            failing_since = self.failing_since

        disabled_at: None | str
        if isinstance(self.disabled_at, datetime.datetime):
            disabled_at = self.disabled_at.isoformat()
        else:
            disabled_at = self.disabled_at

        disabled_reason: None | str
        disabled_reason = self.disabled_reason

        created_at = self.created_at.isoformat()

        secret: None | str
        secret = self.secret

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "url": url,
                "format": format_,
                "events": events,
                "description": description,
                "status": status,
                "secrets": secrets,
                "failing_since": failing_since,
                "disabled_at": disabled_at,
                "disabled_reason": disabled_reason,
                "created_at": created_at,
                "secret": secret,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        url = d.pop("url")

        format_ = check_webhook_format(d.pop("format"))

        events = []
        _events = d.pop("events")
        for events_item_data in _events:
            events_item = check_webhook_event(events_item_data)

            events.append(events_item)

        def _parse_description(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        description = _parse_description(d.pop("description"))

        status = check_endpoint_secret_status(d.pop("status"))

        secrets = d.pop("secrets")

        def _parse_failing_since(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                failing_since_type_0 = datetime.datetime.fromisoformat(data)

                return failing_since_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        failing_since = _parse_failing_since(d.pop("failing_since"))

        def _parse_disabled_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                disabled_at_type_0 = datetime.datetime.fromisoformat(data)

                return disabled_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        disabled_at = _parse_disabled_at(d.pop("disabled_at"))

        def _parse_disabled_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        disabled_reason = _parse_disabled_reason(d.pop("disabled_reason"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_secret(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        secret = _parse_secret(d.pop("secret"))

        endpoint_secret = cls(
            id=id,
            url=url,
            format_=format_,
            events=events,
            description=description,
            status=status,
            secrets=secrets,
            failing_since=failing_since,
            disabled_at=disabled_at,
            disabled_reason=disabled_reason,
            created_at=created_at,
            secret=secret,
        )

        endpoint_secret.additional_properties = d
        return endpoint_secret

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
