"""Reviews of masters: approval gives them out, comments are settled for good, two who decide at once are told."""

from typing import Any

import pytest
from api_calls import UNKNOWN, authorised, problem
from fastapi.testclient import TestClient
from review_calls import comments, decide, deliver, found, language, review_of, revise, say, settle
from title_calls import Upload, add, crops, languages, sound, title
from web_server import WebServer
from webhook_calls import Deliverer, announce, message

from dubbing.domain.findings import FindingCode
from services.api.bootstrap import Services

pytestmark = pytest.mark.stack
__all__ = ["language", "languages", "title"]


def status(client: TestClient, language: str) -> str:
    return str(client.get(language).json()["status"])


def master(client: TestClient, language: str) -> tuple[bool, str | None]:
    """Whether the last master is given out, by its job and by its language; and the code of why not."""
    shown = client.get(language).json()["delivered"]
    links = client.get(f"/v1/jobs/{shown['job']}").json()["links"]
    given, withheld = links["output"] is not None, links["withheld"] and links["withheld"]["code"]
    assert (shown["links"]["output"] is not None, shown["links"]["withheld"]) == (given, links["withheld"])
    assert links["receipt"]
    assert client.get(f"/v1/jobs/{shown['job']}/receipt").status_code == 200
    return given, withheld


def test_approval_gives_the_master_out_and_a_new_sound_makes_it_stale(
    client: TestClient, services: Services, language: str, upload: Upload
) -> None:
    deliver(client, services, language)
    assert (status(client, language), master(client, language)) == ("in_review", (False, "not_approved"))
    review = review_of(client, language)
    assert (review["revision"], review["title_name"], review["requested_by"]) == (1, "Nº 1", "platform")
    asked = decide(client, review["id"], "request_changes", note="The second shot slips.", name="Ana")
    assert (asked["status"], asked["decision"]["note"], asked["decision"]["name"]) == (
        "changes_requested", "The second shot slips.", "Ana",
    )  # fmt: skip
    assert (status(client, language), master(client, language)) == ("changes_requested", (False, "not_approved"))
    approved = decide(client, review["id"], "approve")
    assert approved["decision"]["by"].startswith("key:")
    assert (status(client, language), master(client, language)) == ("approved", (True, None))
    problem(client.post(f"{language}/render", json={}), 409, "conflict")
    revise(client, language, sound(upload, "two.wav", b"y"))
    assert (status(client, language), master(client, language)) == ("stale", (True, None))
    deliver(client, services, language)
    assert (status(client, language), master(client, language)) == ("in_review", (False, "not_approved"))
    late = client.post(f"/v1/reviews/{review['id']}/decisions", json={"decision": "request_changes"})
    assert problem(late, 409, "conflict")["where"] == {"job": review_of(client, language)["job"]}


def test_masters_wait_where_a_review_is_asked_for_and_nowhere_else(
    client: TestClient, services: Services, languages: str, upload: Upload
) -> None:
    at, asked = f"{languages}/de", {"title": languages.split("/")[3], "language": "de"}
    add(client, languages, "de", sound(upload, "de.wav"))
    assert problem(client.post("/v1/reviews", json=asked), 409, "conflict")["detail"] == "de has no master yet."
    deliver(client, services, at)
    assert (status(client, at), master(client, at)) == ("completed", (True, None))
    made = client.post("/v1/reviews", json=asked)
    assert made.status_code == 201
    assert problem(client.post("/v1/reviews", json=asked), 409, "conflict")["where"] == {"review": made.json()["id"]}
    assert (status(client, at), master(client, at)) == ("in_review", (True, None))
    changed = client.patch(at, json={"review": "required"}).json()
    assert (changed["review"], changed["delivered"]["review"]["id"]) == ("required", made.json()["id"])
    assert master(client, at) == (False, "not_approved")
    lesser = authorised(services, scopes=("titles:write",))
    problem(client.patch(at, json={"review": "none"}, headers=lesser), 403, "forbidden")
    old = {"If-Match": '"v1"'}
    problem(client.patch(at, json={"review": "none"}, headers=old), 412, "precondition_failed")
    assert client.patch(at, json={"review": "none", "filename": "x", "metadata": {"a": "b"}}).json()["filename"] == "x"
    assert master(client, at) == (True, None)


def test_a_review_begins_for_the_last_master_when_one_is_asked_for_later(
    client: TestClient, services: Services, languages: str, upload: Upload
) -> None:
    at = f"{languages}/de"
    add(client, languages, "de", sound(upload, "de.wav"))
    deliver(client, services, at)
    client.patch(at, json={"review": "required"})
    assert review_of(client, at)["requested_by"].startswith("key:")
    assert master(client, at) == (False, "not_approved")


def test_what_was_settled_for_good_stays_so_where_the_same_code_covers_the_same_frames(
    client: TestClient, services: Services, language: str, upload: Upload
) -> None:
    doubtful, lost, small = FindingCode.MOUTH_DOUBTFUL, FindingCode.FACE_LOST, FindingCode.FACE_TOO_SMALL
    lossy = found(FindingCode.TIMECODE_LOST, detail="01:00:00:00 is not in the master.")
    deliver(
        client, services, language, found(doubtful, (0, 10), (100, 120)), found(lost, (30, 40)), found(small, (50, 60)), lossy
    )
    first = review_of(client, language)["id"]
    said = {one["code"]: one for one in comments(client, first)}
    assert (said[doubtful]["severity"], said[lost]["severity"], said[lost]["by"]) == ("issue", "fyi", "platform")
    assert (said[doubtful]["timecode"], said[lossy.code]["timecode"]) == ("00:00:00:00", None)
    settle(client, first, said[doubtful]["id"], state="creative_intent", answer="She mumbles.", name="Ana")
    settle(client, first, said[lost]["id"], state="fix")
    settle(client, first, said[lossy.code]["id"], state="best_possible")
    note = say(client, first, "Lips lag here.", at="00:00:02:00")
    revise(client, language, sound(upload, "two.wav", b"y"))
    other = found(FindingCode.TIMECODE_LOST, detail="02:00:00:00 is not in the master.")
    deliver(client, services, language, found(doubtful, (2, 8), (110, 130)), found(lost, (30, 40)), lossy, other)
    second = review_of(client, language)["id"]
    states = [
        (one["code"], [(f["start"], f["end"]) for f in one["frames"]], one["state"], one["carried"])
        for one in comments(client, second)
        if one["code"]
    ]
    assert states == [
        (doubtful, [(2, 8)], "creative_intent", True),
        (doubtful, [(110, 130)], "open", False),
        (lost, [(30, 40)], "open", False),
        (lossy.code, [], "best_possible", True),
        (lossy.code, [], "open", False),
    ]
    carried = next(one for one in comments(client, second) if one["carried"])
    assert (carried["answer"], carried["settled_name"], carried["revision"]) == ("She mumbles.", "Ana", 2)
    # What people said stays to be looked at, until it is settled.
    assert [one["id"] for one in comments(client, second, state="open") if one["code"] is None] == [note["id"]]
    settle(client, second, note["id"], state="fix")
    assert [one for one in comments(client, second, state="open") if one["code"] is None] == []
    settle(client, second, carried["id"], state="open")
    revise(client, language, sound(upload, "three.wav", b"z"))
    deliver(client, services, language, found(doubtful, (2, 8)), lossy)
    third = comments(client, review_of(client, language)["id"], state=["open", "best_possible"])
    assert [(one["code"], one["state"]) for one in third] == [(doubtful, "open"), (lossy.code, "best_possible")]


PLACES: dict[str, tuple[dict[str, Any], list[tuple[int, int]], str | None]] = {
    "all of it": ({}, [], None),
    "a time code": ({"at": "00:00:04:05"}, [(105, 106)], "00:00:04:05"),
    "seconds": ({"at": 4.22}, [(105, 106)], "00:00:04:05"),
    "the last frame": ({"at": "00:00:09:24"}, [(249, 250)], "00:00:09:24"),
    "a range": ({"at": {"start": "00:00:00:00", "end": "00:00:10:00"}}, [(0, 250)], "00:00:00:00"),
    "a range in seconds": ({"at": {"start": 1, "end": 1.02}}, [(25, 26)], "00:00:01:00"),
    "a region": ({"at": 1, "region": {"x": 0, "y": 0, "width": 640, "height": 360}}, [(25, 26)], "00:00:01:00"),
}
BEYOND: dict[str, tuple[dict[str, Any], str, str]] = {
    "after the end": ({"at": "00:00:10:00"}, "no_such_shot", "/at"),
    "no such frame": ({"at": "00:00:01:25"}, "no_such_shot", "/at"),
    "backwards": ({"at": {"start": 2, "end": 1}}, "no_such_shot", "/at"),
    "too wide": ({"region": {"x": 1, "y": 0, "width": 640, "height": 360}}, "no_such_region", "/region"),
    "too low": ({"region": {"x": 0, "y": 359, "width": 1, "height": 2}}, "no_such_region", "/region"),
}


def test_a_comment_is_about_frames_and_a_part_of_the_picture(client: TestClient, services: Services, language: str) -> None:
    deliver(client, services, language)
    review = review_of(client, language)["id"]
    for name, (members, frames, timecode) in PLACES.items():
        said = say(client, review, name, severity="fyi", **members)
        assert ([(one["start"], one["end"]) for one in said["frames"]], said["timecode"]) == (frames, timecode), name
        assert said["region"] == members.get("region")
    for members, code, pointer in BEYOND.values():
        refused = client.post(f"/v1/reviews/{review}/comments", json={"text": "x", **members})
        assert problem(refused, 422, code)["where"]["pointer"] == pointer
    listed = comments(client, review)
    assert [one["text"] for one in listed] == list(PLACES)
    first = client.get(f"/v1/reviews/{review}/comments", params={"limit": 2}).json()
    rest = client.get(f"/v1/reviews/{review}/comments", params={"cursor": first["next_cursor"]}).json()
    assert [one["id"] for one in (first["items"] + rest["items"])[::-1]] == [one["id"] for one in listed]


def test_of_two_who_decide_at_once_the_second_is_told_and_so_is_who_has_not_read_the_last_comment(
    client: TestClient, services: Services, language: str
) -> None:
    deliver(client, services, language)
    review = review_of(client, language)["id"]
    at, read = f"/v1/reviews/{review}", client.get(f"/v1/reviews/{review}").headers["ETag"]
    assert read == '"v1"'
    first = client.post(f"{at}/decisions", json={"decision": "request_changes"}, headers={"If-Match": read})
    assert (first.status_code, first.json()["version"]) == (201, 2)
    second = client.post(f"{at}/decisions", json={"decision": "approve"}, headers={"If-Match": read})
    problem(second, 412, "precondition_failed")
    assert client.get(at).json()["status"] == "changes_requested"
    read = client.get(at).headers["ETag"]
    comment = say(client, review, "Stop!")["id"]
    late = client.post(f"{at}/decisions", json={"decision": "approve"}, headers={"If-Match": read})
    problem(late, 412, "precondition_failed")
    settled = client.patch(f"{at}/comments/{comment}", json={"state": "fix"}, headers={"If-Match": read})
    problem(settled, 412, "precondition_failed")
    sent = {"json": {"decision": "approve"}, "headers": {"Idempotency-Key": "once"}}
    answers = [client.post(f"{at}/decisions", **sent).json() for _ in range(2)]  # type: ignore[arg-type]
    assert answers[0] == answers[1]
    assert client.get(at).json()["version"] == answers[0]["version"]


def test_nothing_is_approved_while_a_blocker_is_open_or_a_shot_is_to_change(
    client: TestClient, services: Services, language: str
) -> None:
    deliver(client, services, language)
    review = review_of(client, language)["id"]
    at, approve = f"/v1/reviews/{review}", {"decision": "approve"}
    comment = say(client, review, "A wrong word.", severity="blocker", at=5)["id"]
    assert problem(client.post(f"{at}/decisions", json=approve), 409, "conflict")["where"] == {"comments": [comment]}
    settle(client, review, comment, state="not_an_issue")
    decide(client, review, "request_changes", shot=1)
    assert problem(client.post(f"{at}/decisions", json=approve), 409, "conflict")["where"] == {"shots": [1]}
    shown = decide(client, review, "approve", shot=1)
    assert [(one["shot"], one["decision"]) for one in shown["shots"]] == [(1, "approve")]
    for refused in ({"decision": "approve", "shot": 2}, {"decision": "keep_original"}):
        assert problem(client.post(f"{at}/decisions", json=refused), 422, "no_such_shot")["where"] == {"pointer": "/shot"}
    assert decide(client, review, "approve")["status"] == "approved"
    assert settle(client, review, comment, severity="fyi")["state"] == "not_an_issue"


def test_a_shot_that_keeps_the_original_has_no_mouth_in_the_next_master(
    client: TestClient, services: Services, language: str
) -> None:
    before = crops(services, deliver(client, services, language)["id"])
    assert sorted(before) == [0, 1, 2]
    review = review_of(client, language)["id"]
    decide(client, review, "keep_original", shot=0)
    assert client.get(language).json()["kept_shots"] == [0]
    waits = client.post(f"/v1/reviews/{review}/decisions", json={"decision": "approve"})
    assert problem(waits, 409, "conflict")["where"] == {"shots": [0]}
    job = deliver(client, services, language, scope="all")
    assert (job["status"], crops(services, job["id"])) == ("succeeded", {2: before[2]})
    review = review_of(client, language)["id"]
    decide(client, review, "keep_original", shot=0)
    assert decide(client, review, "approve")["status"] == "approved"
    decide(client, review, "request_changes", shot=0)
    assert client.get(language).json()["kept_shots"] == []
    again = crops(services, deliver(client, services, language, scope="all")["id"])
    assert (sorted(again), again[2]) == ([0, 1, 2], before[2])


def test_webhooks_tell_of_reviews_and_of_what_is_stale(
    client: TestClient, services: Services, language: str, upload: Upload, receiver: WebServer
) -> None:
    wanted = ["job.succeeded", "review.requested", "review.changes_requested", "review.approved", "language.stale"]
    announce(client, receiver, events=wanted)
    chat = announce(client, receiver, "/chat", format="chat")
    assert set(wanted[1:4]) < set(chat["events"])
    job = deliver(client, services, language)["id"]
    review = review_of(client, language)["id"]
    decide(client, review, "request_changes", name="Ana")
    decide(client, review, "approve")
    revise(client, language, sound(upload, "two.wav", b"y"))
    Deliverer(services).run()
    calls = [message(call) for call in receiver.posted if call.path == "/hook"]
    assert [call["type"] for call in calls] == ["job.succeeded", *wanted]  # the first is the analysis
    of_review = calls[3]["data"]
    assert (of_review["review_id"], of_review["job_id"], of_review["language"]) == (review, job, "pt-BR")
    assert (of_review["title"], of_review["revision"], of_review["name"]) == ("Nº 1", 1, "Ana")
    assert calls[5]["data"]["revision"] == 2
    assert [call["data"]["sequence"] for call in calls] == sorted(call["data"]["sequence"] for call in calls)
    said = [message(call)["text"] for call in receiver.posted if call.path == "/chat"]
    assert said[2:] == ["Nº 1 (pt-BR) waits for review.", "Nº 1 (pt-BR) needs changes.", "Nº 1 (pt-BR) is approved."]


def test_reviews_are_listed_by_title_language_and_status_and_another_organisation_sees_none(
    client: TestClient, services: Services, language: str, languages: str, upload: Upload
) -> None:
    add(client, languages, "de", sound(upload, "de.wav", b"d"), review="required")
    deliver(client, services, language)
    deliver(client, services, f"{languages}/de")
    review = review_of(client, language)["id"]
    comment = say(client, review, "x")["id"]
    decide(client, review, "approve")

    def listed(**wanted: str) -> list[str]:
        return [one["language"] for one in client.get("/v1/reviews", params=wanted).json()["items"]]

    assert listed() == ["de", "pt-BR"]
    assert listed(status="approved") == listed(language="PT-br") == ["pt-BR"]
    assert (listed(title=languages.split("/")[3], status="in_review"), listed(title=f"ttl_{UNKNOWN}")) == (["de"], [])
    other = authorised(services, organisation_id="other")
    assert client.get("/v1/reviews", headers=other).json()["items"] == []
    at, asked = f"/v1/reviews/{review}", {"title": languages.split("/")[3], "language": "de"}
    calls: list[tuple[str, str, dict[str, Any] | None]] = [
        ("GET", at, None), ("POST", f"{at}/decisions", {"decision": "approve"}), ("GET", f"{at}/comments", None),
        ("POST", f"{at}/comments", {"text": "x"}), ("GET", f"{at}/comments/{comment}", None),
        ("PATCH", f"{at}/comments/{comment}", {"state": "fix"}), ("POST", "/v1/reviews", asked),
        ("PATCH", language, {"review": "none"}),
    ]  # fmt: skip
    for method, path, json in calls:
        problem(client.request(method, path, json=json, headers=other), 404, "not_found")
    reader = authorised(services, scopes=("reviews:read",))
    problem(client.post(f"{at}/comments", json={"text": "x"}, headers=reader), 403, "forbidden")
    # A comment of another language is none of this review.
    foreign = say(client, review_of(client, f"{languages}/de")["id"], "x")["id"]
    problem(client.get(f"{at}/comments/{foreign}"), 404, "not_found")
