"""What is wrong with a call, or with the one who makes it."""

from dubbing.errors.base import BadInput, Permanent, Transient


class NotFound(BadInput):
    """No such thing, or not for this caller."""

    code = "not_found"
    title = "Not found"
    status = 404


class Conflict(BadInput):
    """The thing is not in a state that allows this."""

    code = "conflict"
    title = "Not possible in the current state"
    status = 409


class PreconditionFailed(BadInput):
    """The thing was changed since the caller read it: its ETag is not the one in If-Match (RFC 9110, 13.1.1)."""

    code = "precondition_failed"
    title = "Somebody else changed it meanwhile"
    status = 412


class DeadlineUnmeetable(BadInput):
    """The job would be done after its deadline, by the estimate of this moment, or the deadline has passed."""

    code = "deadline_unmeetable"
    title = "The deadline cannot be met"
    status = 409


class NoSuchShot(BadInput):
    """The picture has no such shot or time, or has not been analysed yet."""

    code = "no_such_shot"
    title = "There is no such shot"


class NoSuchRegion(BadInput):
    """The rectangle reaches beyond the upright picture."""

    code = "no_such_region"
    title = "The picture has no such region"


class NotApproved(BadInput):
    """The language asks for a review, and this master is not approved, or is not any more."""

    code = "not_approved"
    title = "The master waits for approval"
    status = 409


class NameMissing(BadInput):
    """A link is for whoever has it, so a guest says who speaks."""

    code = "name_missing"
    title = "A guest must give a name"


class UnknownLanguage(BadInput):
    """A language tag with a part that is not registered (BCP 47)."""

    code = "unknown_language"
    title = "There is no such language"


class InvalidCursor(BadInput):
    """The cursor is not one that a page gave."""

    code = "invalid_cursor"
    title = "The cursor leads nowhere"


class FileTooLarge(BadInput):
    """The file that was announced is larger than this installation takes."""

    code = "file_too_large"
    title = "The file is too large"


class UrlNotAllowed(BadInput):
    """The URL is not of http or https, holds a user or a password, or leads where the platform must not be sent.

    That is its own machine, a private network that the operator has not opened, and where clouds keep their secrets.
    """

    code = "url_not_allowed"
    title = "The URL is not allowed"


class FetchFailed(BadInput):
    """The URL was answered, but not with a film or a track: it is refused there, or shows something else."""

    code = "fetch_failed"
    title = "The file could not be fetched"


class FetchInterrupted(Transient):
    """The server at the URL did not answer, or broke off."""

    code = "fetch_interrupted"
    title = "Fetching the file was interrupted"


class DeliveryFailed(BadInput):
    """The customer's bucket refuses the master. The master is made and stays in our store."""

    code = "delivery_failed"
    title = "The bucket refuses the master"


class DeliveryInterrupted(Transient):
    """The server of the customer's bucket did not answer, or broke off. The master stays in our store."""

    code = "delivery_interrupted"
    title = "Delivering the master was interrupted"


class IdempotencyKeyReused(BadInput):
    """The same Idempotency-Key came with another request."""

    code = "idempotency_key_reused"
    title = "The Idempotency-Key belongs to another request"


class IdempotencyInProgress(Conflict):
    """The first request with this Idempotency-Key is not answered yet."""

    code = "idempotency_in_progress"
    title = "The same request is still being answered"
    retryable = True


class Forbidden(BadInput):
    """The API key or access token is valid, but may not do this."""

    code = "forbidden"
    title = "The caller may not do this"
    status = 403


class Unauthorized(BadInput):
    """No valid API key or access token."""

    code = "unauthorized"
    title = "A valid API key or access token is needed"
    status = 401


class SignInUnavailable(Transient):
    """Whether an access token is valid cannot be told now: the keys of the provider that signed it cannot be read.

    Tokens signed with a key that is known already are believed meanwhile, and API keys are.
    """

    code = "sign_in_unavailable"
    title = "Nobody can be signed in now"


class ChecksumMismatch(BadInput):
    """The bytes that arrived are not the bytes that were announced."""

    code = "checksum_mismatch"
    title = "The checksum does not match"


class BadParts(BadInput):
    """The parts named do not make the file announced."""

    code = "bad_parts"
    title = "The parts do not match the upload"


class Cancelled(Permanent):
    """The job was cancelled by its owner."""

    code = "canceled"
    title = "The job was cancelled"
    status = 409
