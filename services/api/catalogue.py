"""The models that jobs can name, and the weights they are pinned to."""

import hashlib
from typing import NamedTuple

import httpx

from dubbing.domain.jobs import ModelPin, Models
from dubbing.errors import BadInput, ModelUnavailable
from dubbing.inference.http import http_client
from dubbing.inference.versions import pin_again, pin_all
from dubbing.settings import EngineSettings, TritonSettings
from lipforcing.contract import STUDENTS, StudentContract

_TIMEOUT = 2.0
_PASSTHROUGH = hashlib.sha256(b"passthrough").hexdigest()


class Availability(NamedTuple):
    """Whether a preset can run now, and if not, why."""

    preset: str
    demo: bool
    digest: str | None
    available: bool
    reason: str | None


class Catalogue:
    """Reads the model repository at each question, so that a new version needs no restart."""

    def __init__(self, engine: EngineSettings, triton: TritonSettings) -> None:
        self._engine = engine
        self._triton = triton

    def pin(self, preset: str) -> Models:
        """The preset's three models of the highest version, with the digests of their weights.

        Raises:
            BadInput: no such preset.
            ModelUnavailable: it has no weights here.
        """
        if preset not in STUDENTS:
            raise BadInput(
                f"There is no model {preset!r}.",
                where={"pointer": "/model"},
                suggestions=(f"use one of {', '.join(STUDENTS)}",),
            )
        if self._engine.engine != "passthrough":
            return pin_all(self._engine.model_repo, preset)
        contract = STUDENTS[preset]
        names = {"student": contract.student, "face_encoder": contract.face_encoder, "speech_encoder": contract.speech_encoder}
        pins = {part: ModelPin(name=name, digest=_PASSTHROUGH) for part, name in names.items()}
        return Models(preset=preset, demo=contract.demo, **pins)

    def pin_again(self, models: Models) -> Models:
        """The same versions with the digests of the weights that lie there now; raises `ModelUnavailable`."""
        return models if self._engine.engine == "passthrough" else pin_again(self._engine.model_repo, models)

    def list(self) -> list[Availability]:
        """Every preset."""
        return [self._availability(contract) for contract in STUDENTS.values()]

    def server_ready(self) -> None:
        """Return when the inference server is ready; raises `ModelUnavailable`."""
        self._ask("/v2/health/ready", "the inference server")

    def _availability(self, contract: StudentContract) -> Availability:
        digest = None
        try:
            models = self.pin(contract.preset)
            digest = models.student.digest
            if self._engine.engine == "triton":
                for pin in (models.student, models.face_encoder, models.speech_encoder):
                    self._ask(f"/v2/models/{pin.name}/ready", pin.name)
        except ModelUnavailable as error:
            return Availability(contract.preset, contract.demo, digest, available=False, reason=error.detail)
        return Availability(contract.preset, contract.demo, digest, available=True, reason=None)

    def _ask(self, path: str, what: str) -> None:
        try:
            with http_client(self._triton, _TIMEOUT) as client:
                answer = client.get(path)
        except httpx.HTTPError as error:
            raise ModelUnavailable(f"{what} does not answer: {error}", where={"url": self._triton.http_url}) from error
        if answer.status_code != httpx.codes.OK:
            raise ModelUnavailable(f"{what} is not ready.", where={"url": self._triton.http_url})
