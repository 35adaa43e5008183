"""Settings: one small class per concern, read from ``DUBLINE_*`` variables in each service's composition root.

Nothing here is read at import. Every variable is listed in ``.env.example``.
"""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from dubbing.settings.people import OidcSettings as OidcSettings
from dubbing.settings.people import SessionSettings as SessionSettings
from dubbing.settings.values import listed, named, with_commas

API_ROLE, WORKER_ROLE = "dubline_api", "dubline_worker"
"""The roles of the database that see one organisation at a time, and all of them."""


class DatabaseSettings(BaseSettings):
    """PostgreSQL, through psycopg 3.

    Attributes:
        url: ``postgresql+psycopg://USER:PASSWORD@HOST:PORT/NAME``; ``postgresql://`` works too. The role that owns the tables:
            migrations and operators' commands use it.
        api_url: what the API uses, with the role ``dubline_api``, which sees one organisation at a time. Without it, ``url``.
        worker_url: what workers use, with the role ``dubline_worker``. Without it, ``url``.
        pool_size: connections that a process keeps for reuse; under load it opens up to ten more.
    """

    model_config = SettingsConfigDict(env_prefix="DUBLINE_DATABASE_")
    url: str = "postgresql+psycopg://127.0.0.1:5432/dubline"
    api_url: Annotated[str | None, BeforeValidator(named)] = None
    worker_url: Annotated[str | None, BeforeValidator(named)] = None
    pool_size: int = 10

    def for_api(self) -> Self:
        """Those with which the API connects."""
        return self.model_copy(update={"url": self.api_url or self.url})

    def for_workers(self) -> Self:
        """Those with which workers and the sweeper connect."""
        return self.model_copy(update={"url": self.worker_url or self.url})


class RedisSettings(BaseSettings):
    """Redis or Valkey: the broker of the doorbells.

    Attributes:
        url: ``redis://:PASSWORD@HOST:PORT/DATABASE``.
    """

    model_config = SettingsConfigDict(env_prefix="DUBLINE_REDIS_")
    url: str = "redis://127.0.0.1:6379/0"


class S3Settings(BaseSettings):
    """An S3-compatible object store.

    Attributes:
        endpoint: its URL, as the platform's own processes reach it.
        public_endpoint: its URL as clients reach it, where that differs: presigned URLs begin with it.
        access_key: name of its key.
        secret_key: the key itself.
        bucket: holds all that the platform stores; ``dubline up`` makes it where it is missing.
        region: what requests are signed for.
    """

    model_config = SettingsConfigDict(env_prefix="DUBLINE_S3_")
    endpoint: str = "http://127.0.0.1:8333"
    public_endpoint: str | None = None
    access_key: SecretStr = SecretStr("")
    secret_key: SecretStr = SecretStr("")
    bucket: str = "dubline"
    region: str = "us-east-1"


TRITON_SECRET_HEADER = "dubline-secret"  # noqa: S105 - its name, not the secret
"""What clients of the inference server send its secret as; over gRPC, Triton puts ``triton-grpc-protocol-`` before it."""


class TritonSettings(BaseSettings):
    """The inference server.

    Attributes:
        url: its gRPC address: ``host:port``, or ``unix:/path`` of a socket.
        http_url: where it answers health checks: ``http://host:port``, or ``unix:/path`` of a socket.
        secret: what it asks clients for whose calls it restricts; empty where it asks for none.
    """

    model_config = SettingsConfigDict(env_prefix="DUBLINE_TRITON_")
    url: str = "127.0.0.1:8001"
    http_url: str = "http://127.0.0.1:8000"
    secret: SecretStr = SecretStr("")


class EngineSettings(BaseSettings):
    """Which lip-sync engine runs.

    Attributes:
        engine: ``triton`` asks the inference server, ``in-process`` runs the model in the worker, ``passthrough`` changes no
            mouth.
        model_repo: the model repository that the inference server serves; the digests of its weights are pinned to jobs.
    """

    model_config = SettingsConfigDict(env_prefix="DUBLINE_", protected_namespaces=())
    engine: Literal["triton", "in-process", "passthrough"] = "triton"
    model_repo: Path = Path("model_repo")


class MediaSettings(BaseSettings):
    """Media files and masters.

    Attributes:
        scratch: folder for local copies of sources and for outputs in the making.
        source_cache_bytes: bytes of it that copies of sources may take before unused ones are dropped.
        face_model: MediaPipe's ``face_landmarker.task``.
        hand_model: MediaPipe's ``hand_landmarker.task``.
        reading_bytes: address space of the process that reads uploaded files: a file that needs more is refused.
        sound: ``lossless`` delivers every sample of the given sound; ``aac`` is smaller and plays everywhere.
        threads: decoder and encoder threads of one work item.
        preset: libx264's preset for the master: a slower one makes smaller files.
        crf: libx264's constant rate factor for the master: lower is better and larger.
    """

    model_config = SettingsConfigDict(env_prefix="DUBLINE_MEDIA_")
    scratch: Path = Path("/tmp/dubline")  # noqa: S108 - a default; every deployment sets its own volume
    source_cache_bytes: int = 50 * 1024**3
    face_model: Path = Path("third_party/face_landmarker/face_landmarker.task")
    hand_model: Path = Path("third_party/hand_landmarker/hand_landmarker.task")
    reading_bytes: int = 8 * 1024**3
    sound: Literal["lossless", "aac"] = "lossless"
    threads: int = 4
    preset: str = "veryfast"
    crf: int = 16


class LoggingSettings(BaseSettings):
    """Logs.

    Attributes:
        format: ``json`` for machines, ``console`` for people.
        level: the least severe lines that are written.
    """

    model_config = SettingsConfigDict(env_prefix="DUBLINE_LOG_")
    format: Literal["json", "console"] = "json"
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class TimeLimits(BaseModel):
    """How long one item may run, in seconds. The order is the point: soft < hard < lease.

    Attributes:
        soft: the task gets an exception and can tidy up.
        hard: the process is killed; must leave time to tidy up after ``soft``.
        lease: the item goes to another worker although its holder's heart still beats; after ``hard``, so that the holder
            is certainly dead by then.
    """

    soft: int
    hard: int
    lease: int


# A feature film is analysed or stitched in hours at worst; its face encodings in less than one; a chunk in seconds.
_LONG = TimeLimits(soft=6 * 3600, hard=6 * 3600 + 120, lease=6 * 3600 + 300)
_SHORT = TimeLimits(soft=3600, hard=3600 + 60, lease=3600 + 180)
_BRIEF = TimeLimits(soft=60, hard=75, lease=90)


class QueueSettings(BaseSettings):
    """Leases, heartbeats and the broker.

    Attributes:
        visibility_timeout: seconds after which Redis delivers an unacknowledged message again. Longer than every lease, or
            a long task would be delivered twice while it runs.
        heartbeat: seconds between a holder's signs of life.
        heartbeat_timeout: an item whose holder was silent this long is taken over; several heartbeats, so that one slow
            transaction costs nothing.
        sweep: seconds between two rounds of the sweeper; bounds how long a lost message or a due retry waits.
        max_attempts: claims of one item before it fails for good; those that an outage ended do not count.
        backoff: first wait in seconds before a retry; it doubles from one retry to the next.
        backoff_max: longest wait in seconds before a retry.
        max_outages: attempts that an outage of a part of the platform may end before they count. With the longest wait below an
            item outlasts an hour without Triton, S3 or PostgreSQL.
        outage_wait: longest wait before a retry after an outage: work goes on this soon after the part is back.
        bug_attempts: attempts at an item that fails with an error we did not foresee.
        upload_ttl: seconds after which an unfinished upload is aborted.
        event_ttl: seconds for which events of finished jobs are kept, and the log of webhook deliveries.
        life: file that a worker or beat touches every few seconds while it reaches the broker, for probes; where it is unset
            there is none.
        limits: how long one item may run in each queue, in seconds: soft limit < hard limit < lease.
    """

    model_config = SettingsConfigDict(env_prefix="DUBLINE_QUEUE_")
    visibility_timeout: int = 8 * 3600
    heartbeat: float = 3.0
    heartbeat_timeout: float = 20.0
    sweep: float = 3.0
    max_attempts: int = 8
    backoff: float = 2.0
    backoff_max: float = 60.0
    max_outages: int = 240
    outage_wait: float = 15.0
    bug_attempts: int = 3
    upload_ttl: int = 7 * 24 * 3600
    event_ttl: int = 30 * 24 * 3600
    life: Path | None = None
    limits: dict[str, TimeLimits] = {
        "prepare": _LONG,
        "stitch": _LONG,
        "infer": _SHORT,
        "train": _LONG,
        "publish": _SHORT,
        "deliver": _BRIEF,
        "maintenance": _BRIEF,
    }


class FetchSettings(BaseSettings):
    """Files at URLs.

    The machine's own addresses and those of a cloud's metadata are never asked, whatever is opened.

    Attributes:
        hosts: names, with commas between, that may lead to private addresses.
        ranges: private addresses that may be asked, as networks (``10.20.0.0/16``) with commas between.
        bytes: size of the largest file that is fetched.
        seconds: longest time that fetching one may take.
        silence: seconds without a byte after which the server is given up.
        redirects: how many redirects are followed; each is checked like the URL itself.
    """

    model_config = SettingsConfigDict(env_prefix="DUBLINE_FETCH_")
    hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(with_commas)] = ()
    ranges: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(with_commas)] = ()
    bytes: int = 512 * 1024**3
    seconds: float = 3600.0
    silence: float = 30.0
    redirects: int = 5


class BucketSettings(BaseSettings):
    """Buckets of customers.

    The machine's own addresses and those of a cloud's metadata are never asked, whatever is opened.

    Attributes:
        hosts: names of endpoints, with commas between, that may lead to private addresses.
        ranges: private addresses that may be asked, as networks (``10.20.0.0/16``) with commas between.
        http_hosts: names and addresses, with commas between, that may be asked by http too; all others by https alone.
        seconds: longest time that one call may take; objects are read and written in parts of 16 MiB.
    """

    model_config = SettingsConfigDict(env_prefix="DUBLINE_BUCKET_")
    hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(with_commas)] = ()
    ranges: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(with_commas)] = ()
    http_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(with_commas)] = ()
    seconds: float = 120.0


class SecretsSettings(BaseSettings):
    """Secrets that customers entrust to the platform: they are encrypted in the database.

    Attributes:
        key: what they are encrypted with: random texts of 32 characters or more, with commas between. The first one encrypts,
            all decrypt: to change it, put the new one before the old one.
    """

    model_config = SettingsConfigDict(env_prefix="DUBLINE_SECRETS_")
    key: SecretStr = SecretStr("")


class WebhookSettings(BaseSettings):
    """Webhooks.

    The machine's own addresses and those of a cloud's metadata are never called, whatever is opened.

    Attributes:
        hosts: names, with commas between, that may lead to private addresses.
        ranges: private addresses that may be called, as networks (``10.20.0.0/16``) with commas between.
        http_hosts: names and addresses, with commas between, that may be called by http too; all others by https alone.
        seconds: longest time that one call may take.
        waits: seconds before each attempt at a delivery, with commas between; their number is that of the attempts.
        jitter: share of a wait by which it is made longer or shorter at random.
        overlap: seconds for which a secret that was replaced still signs, beside the new one.
        disable_after: seconds without any success after which a delivery that has spent its attempts disables its endpoint.
        turn: seconds after which a worker that is busy with one endpoint looks which one comes next.
    """

    model_config = SettingsConfigDict(env_prefix="DUBLINE_WEBHOOK_")
    hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(with_commas)] = ()
    ranges: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(with_commas)] = ()
    http_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(with_commas)] = ()
    seconds: float = 15.0
    waits: Annotated[tuple[int, ...], NoDecode, BeforeValidator(with_commas)] = (
        *(0, 5, 5 * 60, 30 * 60, 2 * 3600),
        *(5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600),
    )
    jitter: float = 0.1
    overlap: int = 24 * 3600
    disable_after: int = 3 * 24 * 3600
    turn: float = 10.0


class TrainerSettings(BaseSettings):
    """Training runs.

    Attributes:
        enabled: `dubline up` starts the trainer's workers too.
        scratch: folder for prepared data, checkpoints in the making, candidates and curves; kept between runs.
        places: folders that settings of a run may name something in, with colons between. Whoever may start runs can have
            them read; the object store can always be named.
        leg: seconds after which a run saves, and its work item ends and is followed by another; below the queue's soft limit.
        checkpoint: seconds between two checkpoints.
        sample: seconds between two contact sheets.
        metrics: seconds between two entries of a run's metrics.
        threads: CPU threads of each process of a run; 0 shares all cores between them.
        poll: seconds between two looks at a run's processes.
        gate_clips: clips of the frozen set that candidates and incumbents are measured on.
        gate_frames: frames of each, 9 + 12k.
        gate_data: place of prepared footage, a folder or ``s3://bucket/prefix``, on whose test split candidates of the big
            presets are measured; without it none is published.
        gate_syncnet: file of a SyncNet that judges them too.
        grace: seconds that they have to save and end after a request to stop.
        revision: git revision that runs name as theirs, where the product lies without its ``.git``; else git is asked.
    """

    model_config = SettingsConfigDict(env_prefix="DUBLINE_TRAINER_")
    enabled: bool = False
    scratch: Path = Path("/tmp/dubline-trainer")  # noqa: S108 - a default; every deployment sets its own volume
    places: Annotated[tuple[Path, ...], NoDecode, BeforeValidator(listed)] = ()
    leg: float = 5 * 3600.0
    checkpoint: float = 600.0
    sample: float = 1800.0
    metrics: float = 2.0
    threads: int = 0
    poll: float = 0.5
    gate_clips: int = 24
    gate_frames: int = 81
    gate_data: str = ""
    gate_syncnet: Annotated[Path | None, BeforeValidator(named)] = None
    grace: float = 600.0
    revision: str = ""


class ApiSettings(BaseSettings):
    """The HTTP API.

    Attributes:
        part_size: bytes of one part of a multipart upload (S3: 5 MiB to 5 GiB, at most 10,000 parts).
        max_upload: largest accepted file in bytes.
        url_ttl: seconds that a presigned URL lives; at most an hour.
        stuck_after: seconds without a heartbeat after which a running job is called stuck.
        events_poll: seconds between two looks for new events of a job that somebody follows.
        events_heartbeat: seconds of silence after which a comment keeps such a connection open.
        docs_url: base of the ``type`` URIs of problems; the API's own pages, wherever it is, by default.
        pages: folder of the documentation that the API serves as Markdown.
        share_across_organisations: jobs of all organisations share the results of the same content, which saves work where they
            dub the same films. Whoever has a file then sees, by how soon its job ends, that another has it too.
    """

    model_config = SettingsConfigDict(env_prefix="DUBLINE_API_")
    part_size: int = 16 * 1024 * 1024
    max_upload: int = 512 * 1024**3
    url_ttl: int = 3600
    stuck_after: float = 60.0
    events_poll: float = 0.4
    events_heartbeat: float = 10.0
    docs_url: str = "/errors"
    pages: Path = Path("docs")
    share_across_organisations: bool = False
