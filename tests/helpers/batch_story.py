"""What the examples of the API tell of batches."""

import json

from api_calls import UNKNOWN
from example_story import Story, story_file

from services.api.bootstrap import Services
from services.api.submitter import Submitter


def tell_of_batches(story: Story, services: Services) -> None:
    """The story's client runs no submitter: items become jobs when the story says so."""
    film, track = ({"type": "asset", "id": story_file(services, name)} for name in ("monday.mp4", "monday.wav"))
    dub = {"type": "lipsync", "video": film, "audio": track, "idempotency_key": "monday-1"}
    render = {"type": "render", "title": f"ttl_{UNKNOWN}", "language": "pt-BR", "scope": "all"}
    items = {"items": [dub, render, {**dub, "idempotency_key": "monday-2", "sync": {"mode": "later"}}]}
    batch = story.tell("create_batch", "every-member", 202, {**items, "name": "Monday", "metadata": {"show": "North"}})["id"]
    while Submitter(services).submit_some():
        pass
    story.tell("read_batch", "submitted", batch_id=batch)
    story.tell("list_batch_items", "in-order", batch_id=batch, limit=1)
    story.tell("list_batch_items", "refused", batch_id=batch, status=["refused"])
    story.tell("list_batches", "newest", limit=1)
    story.tell("list_jobs", "of-a-batch", batch=batch)
    story.tell("cancel_batch", "under-way", 202, batch_id=batch)
    lines = story_file(services, "monday.jsonl")
    services.store.put_bytes("assets/monday.jsonl", json.dumps(dub).encode(), "application/json")
    story.tell("create_batch", "of-a-file", 202, {"items": {"type": "asset", "id": lines}})
    story.tell("create_batch", "no-such-file", 404, {"items": {"type": "asset", "id": f"ast_{UNKNOWN}"}})
