"""The part of the examples' story that tells of reviews, guests and a cast."""

import platform_results as results
from api_calls import put_analysis, work_through
from example_story import Story, story_file
from sqlalchemy import select

from dubbing.db.models import WorkItem
from dubbing.domain.findings import Finding, FrameRange
from dubbing.domain.work import WorkKind
from dubbing.ids import face_picture_key, preview_key
from services.api.bootstrap import Services


def tell_of_reviews(story: Story, services: Services) -> None:
    film, track = (story_file(services, name) for name in ("reviewed.mp4", "reviewed.de.wav"))
    title = story.tell("create_title", "to-be-reviewed", 201, {"name": "Trailer", "video": {"type": "asset", "id": film}})["id"]
    language = {"language": "de", "audio": {"type": "asset", "id": track}, "review": "required"}
    story.tell("add_language", "with-a-review", 201, language, title_id=title)
    place = {"title_id": title, "language": "de"}
    story.tell("read_cast", "under-way", title_id=title)
    story.tell("render_language", "to-be-reviewed", 202, {}, **place)
    found = (Finding(code="mouth_doubtful", detail="6 frames look doubtful.", frames=(FrameRange(start=120, end=126),)),)
    made = {"stitch": lambda task: results.stitch(task, found).model_copy(update={"preview_key": preview_key(task.job_id)})}
    work_through(services, answer=lambda kind, task: made.get(kind, lambda t: results.answer(kind, t))(task))
    put_analysis(services)
    with services.database.sessions()() as session:
        for payload in session.scalars(select(WorkItem.payload).where(WorkItem.kind == WorkKind.PREPARE)).all():
            services.store.put_bytes(face_picture_key(payload["analysis_key"], 0), b"a face", "image/jpeg")
    story.tell("read_cast", "ended", title_id=title)
    waiting = story.tell("read_language", "waits-for-approval", **place)["delivered"]
    review, job = waiting["review"]["id"], waiting["job"]
    story.tell("request_review", "has-one", 409, {"title": title, "language": "de"})
    story.tell("read_job", "waits-for-approval", job_id=job)
    story.tell("list_reviews", "open", title=title, language="de", status=["in_review"], limit=1)
    story.tell("read_review", "new", review_id=review)
    said = {"text": "Her lips lag.", "severity": "blocker", "at": {"start": "00:00:05:00", "end": "00:00:06:00"}, "name": "Ana"}
    where = {"x": 100, "y": 80, "width": 120, "height": 90}
    comment = story.tell("add_comment", "every-member", 201, {**said, "region": where}, review_id=review)["id"]
    story.tell("add_comment", "at-a-frame", 201, {"text": "Good here.", "severity": "fyi", "at": 7.5}, review_id=review)
    beyond = {"text": "There?", "region": {"x": 600, "y": 0, "width": 100, "height": 10}}
    story.tell("add_comment", "beyond-the-picture", 422, beyond, review_id=review)
    story.tell("list_comments", "open", state=["open"], limit=2, review_id=review)
    story.tell("read_comment", "one", review_id=review, comment_id=comment)
    story.tell("decide", "a-blocker-is-open", 409, {"decision": "approve"}, review_id=review)
    settled = {"state": "creative_intent", "answer": "She is far away.", "severity": "issue", "name": "Bo"}
    version = {"If-Match": f'"v{story.tell("read_review", "with-comments", review_id=review)["version"]}"'}
    story.tell("settle_comment", "every-member", 200, settled, review_id=review, comment_id=comment, **version)
    approval = {"decision": "approve", "name": "Bo"}
    story.tell("decide", "somebody-was-faster", 412, approval, review_id=review, **version)
    story.tell("decide", "a-shot-keeps-the-original", 201, {"decision": "keep_original", "shot": 0}, review_id=review)
    again = {"decision": "request_changes", "shot": 1, "note": "Try another seed.", "name": "Bo"}
    story.tell("decide", "every-member", 201, again, review_id=review)
    for shot in (0, 1):
        story.tell("decide", f"shot-{shot}-is-good", 201, {"decision": "approve", "shot": shot}, review_id=review)
    story.tell("decide", "the-language", 201, approval, review_id=review)
    story.tell("change_language", "every-member", 200, {"filename": "{title}", "review": "none", "metadata": {}}, **place)
    tell_of_guests(story, {"title": title, "language": "de"})
    story.tell("add_language", "without-a-review", 201, {"language": "fr", "audio": language["audio"]}, title_id=title)
    story.tell("render_language", "without-a-review", 202, {}, title_id=title, language="fr")
    work_through(services)
    story.tell("request_review", "of-the-last-master", 201, {"title": title, "language": "fr"})


def tell_of_guests(story: Story, place: dict[str, str]) -> None:
    guest = story.tell("invite_guest", "shortest", 201, {**place, "name": "The client"})["id"]
    every = {**place, "name": "The director", "may": "decide", "expires_at": "2099-10-12T06:00:00Z"}
    story.tell("invite_guest", "every-member", 201, every)
    story.tell("list_guests", "newest", limit=1)
    story.tell("read_guest", "one", guest_id=guest)
    story.tell("revoke_guest", "at-once", 200, guest_id=guest)
