"""What the examples of the API tell of buckets: connections, files from there, and masters to there."""

from api_calls import work_through
from customer_store import Customer
from example_story import Story

from dubbing.domain.work import Queue, WorkKind, kinds_of
from services.api.bootstrap import Services


def tell_of_buckets(story: Story, services: Services, customer: Customer) -> None:
    key, secret, endpoint = customer.bucket.access_key, customer.bucket.secret_key, customer.bucket.endpoint
    story.shown_as = {endpoint: "https://s3.eu-west-1.amazonaws.com", key: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI..."}
    members = customer.members()
    shortest = {name: members[name] for name in ("name", "endpoint", "bucket", "access_key", "secret_key")}
    connection = story.tell("create_connection", "every-member", 201, {**members, "prefix": "dubbed"})["id"]
    source = story.tell("create_connection", "shortest", 201, shortest)["id"]
    inside = {**shortest, "endpoint": "https://169.254.169.254"}
    story.tell("create_connection", "leads-inside", 422, inside)
    story.tell("list_connections", "newest", limit=1)
    story.tell("read_connection", "one", connection_id=connection)
    story.tell("test_connection", "works", connection_id=connection)
    video, audio = ({"type": "s3", "url": f"s3://studio/{name}", "connection": source} for name in ("film.mp4", "pt.wav"))
    output = {"destination": {"connection": connection, "prefix": "S01/pt"}}
    job = story.tell("create_lipsync", "from-and-to-a-bucket", 202, {"video": video, "audio": audio, "output": output})["id"]
    story.tell("deliver_job", "too-early", 409, {}, job_id=job)
    title = story.tell("create_title", "in-a-bucket", 201, {"name": "Pilot", "video": video})["id"]
    story.tell("add_language", "in-a-bucket", 201, {"language": "fr", "audio": audio, "output": output}, title_id=title)
    story.tell("replace_output", "none", 200, {"output": None}, title_id=title, language="fr")
    work_through(services, *kinds_of(Queue.PREPARE), *kinds_of(Queue.INFER), WorkKind.STITCH)
    work_through(services, WorkKind.DELIVER_MASTER)
    story.tell("read_job", "delivered", job_id=job)
    story.tell("deliver_job", "elsewhere", 202, {"destination": {"connection": source, "prefix": "copies"}}, job_id=job)
    story.tell("deliver_job", "under-way", 409, {}, job_id=job)
    story.tell("delete_connection", "still-needed", 409, connection_id=source)
    story.tell(
        "rotate_connection", "another-key", 200, {"access_key": "nobody", "secret_key": "none"}, connection_id=connection
    )
    story.tell("test_connection", "key-is-not-known", connection_id=connection)
    story.tell("delete_connection", "one", connection_id=connection)
