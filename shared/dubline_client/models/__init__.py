"""Contains all the data models used in inputs/outputs"""

from .agreement import Agreement
from .alive import Alive
from .asset_out import AssetOut
from .asset_out_media_type_0 import AssetOutMediaType0
from .asset_read import AssetRead
from .asset_read_media_type_0 import AssetReadMediaType0
from .audio_facts import AudioFacts
from .audio_ref import AudioRef
from .audio_url import AudioUrl
from .colour_tags import ColourTags
from .counter import Counter
from .difference import Difference
from .failure import Failure
from .failure_media import FailureMedia
from .failure_where import FailureWhere
from .finding import Finding
from .frame_range import FrameRange
from .job_out import JobOut
from .job_out_metadata import JobOutMetadata
from .job_page import JobPage
from .job_state import JobState
from .language_score import LanguageScore
from .links import Links
from .lipsync_create import LipsyncCreate
from .lipsync_create_metadata import LipsyncCreateMetadata
from .lipsync_create_model import LipsyncCreateModel
from .measuring import Measuring
from .measuring_model import MeasuringModel
from .model_list import ModelList
from .model_out import ModelOut
from .model_pin import ModelPin
from .model_status import ModelStatus
from .models import Models
from .options import Options
from .parity import Parity
from .part_done import PartDone
from .part_ref import PartRef
from .part_status import PartStatus
from .part_url import PartUrl
from .phase import Phase
from .phase_out import PhaseOut
from .phase_out_status import PhaseOutStatus
from .pixel_check import PixelCheck
from .problem import Problem
from .problem_errors_item import ProblemErrorsItem
from .problem_media import ProblemMedia
from .problem_where import ProblemWhere
from .progress import Progress
from .progress_phases import ProgressPhases
from .publish import Publish
from .readiness import Readiness
from .readiness_checks import ReadinessChecks
from .readiness_status import ReadinessStatus
from .reading import Reading
from .receipt import Receipt
from .receipt_timings import ReceiptTimings
from .recipe_list import RecipeList
from .recipe_offer import RecipeOffer
from .recipe_offer_settings import RecipeOfferSettings
from .recipe_offer_starts import RecipeOfferStarts
from .release_list import ReleaseList
from .release_out import ReleaseOut
from .release_out_figures_item import ReleaseOutFiguresItem
from .release_state import ReleaseState
from .run_create import RunCreate
from .run_create_settings import RunCreateSettings
from .run_out import RunOut
from .run_out_facts import RunOutFacts
from .run_out_metrics_type_0 import RunOutMetricsType0
from .run_out_settings import RunOutSettings
from .run_page import RunPage
from .run_state import RunState
from .shot_score import ShotScore
from .sound_check import SoundCheck
from .sync import Sync
from .sync_choice import SyncChoice
from .sync_measure import SyncMeasure
from .sync_mode import SyncMode
from .sync_net_score import SyncNetScore
from .sync_plan import SyncPlan
from .upload_complete import UploadComplete
from .upload_create import UploadCreate
from .upload_out import UploadOut
from .upload_out_state import UploadOutState
from .video_facts import VideoFacts
from .video_ref import VideoRef
from .video_url import VideoUrl
from .witness import Witness
from .witnessed import Witnessed

__all__ = (
    "Agreement",
    "Alive",
    "AssetOut",
    "AssetOutMediaType0",
    "AssetRead",
    "AssetReadMediaType0",
    "AudioFacts",
    "AudioRef",
    "AudioUrl",
    "ColourTags",
    "Counter",
    "Difference",
    "Failure",
    "FailureMedia",
    "FailureWhere",
    "Finding",
    "FrameRange",
    "JobOut",
    "JobOutMetadata",
    "JobPage",
    "JobState",
    "LanguageScore",
    "Links",
    "LipsyncCreate",
    "LipsyncCreateMetadata",
    "LipsyncCreateModel",
    "Measuring",
    "MeasuringModel",
    "ModelList",
    "ModelOut",
    "ModelPin",
    "Models",
    "ModelStatus",
    "Options",
    "Parity",
    "PartDone",
    "PartRef",
    "PartStatus",
    "PartUrl",
    "Phase",
    "PhaseOut",
    "PhaseOutStatus",
    "PixelCheck",
    "Problem",
    "ProblemErrorsItem",
    "ProblemMedia",
    "ProblemWhere",
    "Progress",
    "ProgressPhases",
    "Publish",
    "Readiness",
    "ReadinessChecks",
    "ReadinessStatus",
    "Reading",
    "Receipt",
    "ReceiptTimings",
    "RecipeList",
    "RecipeOffer",
    "RecipeOfferSettings",
    "RecipeOfferStarts",
    "ReleaseList",
    "ReleaseOut",
    "ReleaseOutFiguresItem",
    "ReleaseState",
    "RunCreate",
    "RunCreateSettings",
    "RunOut",
    "RunOutFacts",
    "RunOutMetricsType0",
    "RunOutSettings",
    "RunPage",
    "RunState",
    "ShotScore",
    "SoundCheck",
    "Sync",
    "SyncChoice",
    "SyncMeasure",
    "SyncMode",
    "SyncNetScore",
    "SyncPlan",
    "UploadComplete",
    "UploadCreate",
    "UploadOut",
    "UploadOutState",
    "VideoFacts",
    "VideoRef",
    "VideoUrl",
    "Witness",
    "Witnessed",
)
