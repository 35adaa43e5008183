"""What goes wrong with training runs, their data and the versions that come of them."""

from dubbing.errors.base import BadInput, Permanent, Transient
from dubbing.errors.work import Conflict


class UnknownRecipe(BadInput):
    """No trainer offers a recipe of this name."""

    code = "unknown_recipe"
    title = "There is no such recipe"


class UnknownSetting(BadInput):
    """The recipe has no setting of this name."""

    code = "unknown_setting"
    title = "There is no such setting"


class InvalidSetting(BadInput):
    """The value is of another type than the setting, or makes no sense for it."""

    code = "invalid_setting"
    title = "The value does not fit the setting"


class DecoderMissing(InvalidSetting):
    """The run's student is served with the quick decoder of an imported student, and none has been imported."""

    code = "decoder_missing"
    title = "No decoder has been imported"


class UnfitStart(BadInput):
    """The run that this one shall start from is missing, not finished, of another recipe, or of another shape."""

    code = "unfit_start"
    title = "The run cannot start from that one"


class PlaceNotAllowed(BadInput):
    """A setting names a file or folder of the trainer's machine that the operator has not opened to runs."""

    code = "place_not_allowed"
    title = "Runs may not read that place"


class PublishInProgress(Conflict):
    """Another run is being published as a version of the same model."""

    code = "publish_in_progress"
    title = "Another publish is under way"
    retryable = True


class TrainerUnavailable(Transient):
    """No trainer has said yet which recipes it offers."""

    code = "trainer_unavailable"
    title = "No trainer is there"


class TrainingInterrupted(Transient):
    """A process of the run died; the run goes on from its last checkpoint."""

    code = "training_interrupted"
    title = "The training was interrupted"


class ConsentMissing(BadInput):
    """Nobody said by what right the footage is used."""

    code = "consent_missing"
    title = "Footage needs a consent tag"


class BadDataset(BadInput):
    """The place given as a data set is none, is one of another kind, or has nothing that can be trained on."""

    code = "bad_dataset"
    title = "Not a usable data set"


class CorruptShard(Permanent):
    """A shard's bytes are not those that its manifest names."""

    code = "corrupt_shard"
    title = "A shard is damaged"


class LeakedReference(Permanent):
    """A sample's reference shows what the sample asks for."""

    code = "leaked_reference"
    title = "Reference and target overlap"


class DiskFull(Transient):
    """Nothing more can be written; what was finished stays, and the same work goes on from there."""

    code = "disk_full"
    title = "The disk is full"


class AcceleratorMissing(Permanent):
    """The recipe needs accelerators that this machine lacks."""

    code = "accelerator_missing"
    title = "The recipe needs an accelerator"


class CheckpointMismatch(Permanent):
    """The checkpoint belongs to another network, other data or another number of processes, or it is damaged."""

    code = "checkpoint_mismatch"
    title = "The checkpoint does not fit the run"


class TrainingDiverged(Permanent):
    """Too many steps in a row gave a loss that is no number."""

    code = "training_diverged"
    title = "The training diverged"


class GateDataMissing(Permanent):
    """The operator has named no footage that candidates of this preset could be measured on."""

    code = "gate_data_missing"
    title = "There is no footage to measure candidates on"


class GateFailed(Permanent):
    """The candidate is worse than the version that serves."""

    code = "gate_failed"
    title = "The candidate did not pass the gate"
    status = 409


class GoldenCheckFailed(Permanent):
    """The server generated something else from the candidate's weights than the trainer did."""

    code = "golden_check_failed"
    title = "The candidate failed its check in the server"
