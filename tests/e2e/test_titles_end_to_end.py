"""A title in two languages on the real system: the second makes no call to the server for the picture, and a re-render none."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from film import Film, write_tone
from platform_access import Platform

from lipforcing.contract import STUDENTS

pytestmark = [pytest.mark.stack, pytest.mark.slow]
TINY = STUDENTS["tiny"]


@pytest.fixture(scope="module")
def api(platform: Platform) -> Iterator[httpx.Client]:
    env = platform.system.env()
    headers = {"Authorization": f"Bearer {env['DUBLINE_API_KEY']}"}
    with httpx.Client(base_url=env["DUBLINE_API_URL"], headers=headers, timeout=60) as client:
        yield client


def calls(platform: Platform) -> dict[str, int]:
    """Requests that the inference server has answered, by model."""
    text = httpx.get(platform.system.env()["DUBLINE_TRITON_METRICS_URL"]).text
    found: dict[str, int] = {}
    for line in text.splitlines():
        if line.startswith("nv_inference_request_success{"):
            model = line.split('model="')[1].split('"')[0]
            found[model] = found.get(model, 0) + int(float(line.rpartition(" ")[2]))
    return found


def since(platform: Platform, before: dict[str, int]) -> dict[str, int]:
    return {model: count - before.get(model, 0) for model, count in calls(platform).items() if count > before.get(model, 0)}


def answered(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, answer.text
    return dict(answer.json())


def test_a_second_language_asks_nothing_about_the_picture_and_a_master_again_asks_nothing_at_all(
    platform: Platform, api: httpx.Client, film: Film, tmp_path: Path
) -> None:
    tone = write_tone(tmp_path / "tone.wav", film.frames / 25)
    files = [platform.client.upload(path, lambda _: None) for path in (film.video, film.track, tone)]
    picture, track, other = ({"type": "asset", "id": str(file)} for file in files)
    title = answered(api.post("/v1/titles", json={"name": "Two languages", "video": picture}))
    platform.delivered(title["analysis"]["job"])
    found = answered(api.get(f"/v1/titles/{title['id']}/analysis"))
    assert [(shot["start"], shot["end"], len(shot["faces"])) for shot in found["shots"]] == [(0, film.frames, 1)]
    at = f"/v1/titles/{title['id']}/languages"

    def render(language: str, **asked: str) -> tuple[dict[str, Any], dict[str, int]]:
        """The language when it is rendered, and the calls that it took."""
        before = calls(platform)
        platform.delivered(answered(api.post(f"{at}/{language}/render", json=asked))["id"])
        return answered(api.get(f"{at}/{language}")), since(platform, before)

    answered(api.post(at, json={"language": "de", "audio": track}))
    answered(api.post(at, json={"language": "pt-BR", "audio": other}))
    first, took = render("de")
    assert TINY.student in took
    second, took = render("pt-BR")
    assert (TINY.student in took, TINY.face_encoder in took) == (True, False)
    again, took = render("de", scope="all")
    assert took == {}
    masters = [httpx.get(one["delivered"]["links"]["output"]).content for one in (first, second, again)]
    assert [one["status"] for one in (first, second, again)] == ["completed"] * 3
    assert masters[0] == masters[2] != masters[1]
    named = [str(one["delivered"]["links"]["output"]) for one in (first, second)]
    assert ["Two-languages_de_v1.mp4" in named[0], "Two-languages_pt-BR_v1.mp4" in named[1]] == [True, True]
