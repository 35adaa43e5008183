"""A dub from a customer's bucket into it, by the real system's own workers."""

import hashlib
from pathlib import Path
from typing import Any

import httpx
import pytest
from customer_store import Customer, customer
from film import Film, ffmpeg
from platform_access import Platform
from waiting import until
from web_server import HERE

__all__ = ["customer"]
pytestmark = [pytest.mark.stack, pytest.mark.slow]


def test_files_come_from_a_bucket_and_the_master_goes_there(
    platform: Platform, film: Film, customer: Customer, tmp_path: Path
) -> None:
    for name, whole in (("film.mp4", film.video), ("track.wav", film.track)):
        ffmpeg("-i", whole, "-t", 1, tmp_path / name)
        customer.store.put_file(f"in/{name}", tmp_path / name)
    env = platform.system.env()
    headers = {"Authorization": f"Bearer {env['DUBLINE_API_KEY']}"}
    with httpx.Client(base_url=env["DUBLINE_API_URL"], headers=headers, timeout=60) as api:
        place = customer.members(endpoint=f"http://{HERE}:{customer.forwarder.port}")
        connection = api.post("/v1/storage-connections", json=place).json()["id"]
        tested = api.post(f"/v1/storage-connections/{connection}/test").json()
        assert tested["ok"], tested
        at = {"type": "s3", "connection": connection}
        body: dict[str, Any] = {
            "video": {**at, "url": "s3://studio/in/film.mp4"},
            "audio": {**at, "url": "s3://studio/in/track.wav"},
            "output": {"destination": {"connection": connection, "prefix": "out"}},
        }
        job = api.post("/v1/lipsyncs", json=body).json()["id"]
        platform.delivered(job)

        def arrived() -> dict[str, Any] | None:
            found = dict(api.get(f"/v1/jobs/{job}").json()["delivery"])
            return found if found["status"] in {"delivered", "failed"} else None

        delivery = until(arrived, "the master is never delivered", every=0.2)
        assert delivery is not None
        assert (delivery["status"], delivery["url"]) == ("delivered", "s3://studio/out/film.track.mp4"), delivery["error"]
        receipt = api.get(f"/v1/jobs/{job}/receipt").json()
        master = customer.store.get_bytes("out/film.track.mp4")
        assert hashlib.sha256(master).hexdigest() == receipt["output_video"]["sha256"]
        assert customer.store.size("out/film.track.receipt.json") is not None
