"""Contains all the data models used in inputs/outputs"""

from .agreement import Agreement
from .alive import Alive
from .analysis_state import AnalysisState
from .asset_out import AssetOut
from .asset_out_media_type_0 import AssetOutMediaType0
from .asset_page import AssetPage
from .asset_read import AssetRead
from .asset_read_media_type_0 import AssetReadMediaType0
from .attempt_out import AttemptOut
from .audio_facts import AudioFacts
from .audio_ref import AudioRef
from .audio_url import AudioUrl
from .colour_tags import ColourTags
from .counter import Counter
from .delivered import Delivered
from .delivery_out import DeliveryOut
from .delivery_out_data import DeliveryOutData
from .delivery_page import DeliveryPage
from .delivery_state import DeliveryState
from .difference import Difference
from .endpoint_create import EndpointCreate
from .endpoint_out import EndpointOut
from .endpoint_out_status import EndpointOutStatus
from .endpoint_page import EndpointPage
from .endpoint_secret import EndpointSecret
from .endpoint_secret_status import EndpointSecretStatus
from .endpoint_update import EndpointUpdate
from .face_out import FaceOut
from .failure import Failure
from .failure_media import FailureMedia
from .failure_where import FailureWhere
from .finding import Finding
from .frame_range import FrameRange
from .job_out import JobOut
from .job_out_metadata import JobOutMetadata
from .job_page import JobPage
from .job_shots import JobShots
from .job_state import JobState
from .key_create import KeyCreate
from .key_create_scopes_item import KeyCreateScopesItem
from .key_made import KeyMade
from .key_out import KeyOut
from .key_page import KeyPage
from .key_rotation import KeyRotation
from .language_audio import LanguageAudio
from .language_create import LanguageCreate
from .language_create_metadata import LanguageCreateMetadata
from .language_create_model import LanguageCreateModel
from .language_list import LanguageList
from .language_out import LanguageOut
from .language_out_metadata import LanguageOutMetadata
from .language_out_seeds import LanguageOutSeeds
from .language_score import LanguageScore
from .language_state import LanguageState
from .language_status import LanguageStatus
from .links import Links
from .lipsync_create import LipsyncCreate
from .lipsync_create_metadata import LipsyncCreateMetadata
from .lipsync_create_model import LipsyncCreateModel
from .list_jobs_model_type_0 import ListJobsModelType0
from .me import Me
from .me_kind import MeKind
from .measuring import Measuring
from .measuring_model import MeasuringModel
from .model_list import ModelList
from .model_out import ModelOut
from .model_pin import ModelPin
from .model_status import ModelStatus
from .models import Models
from .open_upload import OpenUpload
from .options import Options
from .parity import Parity
from .part_done import PartDone
from .part_ref import PartRef
from .part_status import PartStatus
from .part_url import PartUrl
from .person_out import PersonOut
from .person_out_status import PersonOutStatus
from .person_page import PersonPage
from .person_update import PersonUpdate
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
from .promotion import Promotion
from .promotion_model import PromotionModel
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
from .render_create import RenderCreate
from .render_create_model_type_0 import RenderCreateModelType0
from .render_create_scope import RenderCreateScope
from .render_out import RenderOut
from .role import Role
from .role_source import RoleSource
from .run_create import RunCreate
from .run_create_settings import RunCreateSettings
from .run_out import RunOut
from .run_out_facts import RunOutFacts
from .run_out_metrics_type_0 import RunOutMetricsType0
from .run_out_settings import RunOutSettings
from .run_page import RunPage
from .run_state import RunState
from .session_create import SessionCreate
from .session_out import SessionOut
from .shot_out import ShotOut
from .shot_progress import ShotProgress
from .shot_progress_status import ShotProgressStatus
from .shot_score import ShotScore
from .sound_check import SoundCheck
from .sync import Sync
from .sync_choice import SyncChoice
from .sync_measure import SyncMeasure
from .sync_mode import SyncMode
from .sync_net_score import SyncNetScore
from .sync_plan import SyncPlan
from .time_range import TimeRange
from .title_analysis import TitleAnalysis
from .title_change import TitleChange
from .title_change_metadata_type_0 import TitleChangeMetadataType0
from .title_create import TitleCreate
from .title_create_metadata import TitleCreateMetadata
from .title_out import TitleOut
from .title_out_metadata import TitleOutMetadata
from .title_page import TitlePage
from .upload_complete import UploadComplete
from .upload_create import UploadCreate
from .upload_out import UploadOut
from .upload_out_state import UploadOutState
from .upload_page import UploadPage
from .urgency import Urgency
from .video_facts import VideoFacts
from .video_ref import VideoRef
from .video_url import VideoUrl
from .webhook_event import WebhookEvent
from .webhook_format import WebhookFormat
from .witness import Witness
from .witnessed import Witnessed

__all__ = (
    "Agreement",
    "Alive",
    "AnalysisState",
    "AssetOut",
    "AssetOutMediaType0",
    "AssetPage",
    "AssetRead",
    "AssetReadMediaType0",
    "AttemptOut",
    "AudioFacts",
    "AudioRef",
    "AudioUrl",
    "ColourTags",
    "Counter",
    "Delivered",
    "DeliveryOut",
    "DeliveryOutData",
    "DeliveryPage",
    "DeliveryState",
    "Difference",
    "EndpointCreate",
    "EndpointOut",
    "EndpointOutStatus",
    "EndpointPage",
    "EndpointSecret",
    "EndpointSecretStatus",
    "EndpointUpdate",
    "FaceOut",
    "Failure",
    "FailureMedia",
    "FailureWhere",
    "Finding",
    "FrameRange",
    "JobOut",
    "JobOutMetadata",
    "JobPage",
    "JobShots",
    "JobState",
    "KeyCreate",
    "KeyCreateScopesItem",
    "KeyMade",
    "KeyOut",
    "KeyPage",
    "KeyRotation",
    "LanguageAudio",
    "LanguageCreate",
    "LanguageCreateMetadata",
    "LanguageCreateModel",
    "LanguageList",
    "LanguageOut",
    "LanguageOutMetadata",
    "LanguageOutSeeds",
    "LanguageScore",
    "LanguageState",
    "LanguageStatus",
    "Links",
    "LipsyncCreate",
    "LipsyncCreateMetadata",
    "LipsyncCreateModel",
    "ListJobsModelType0",
    "Me",
    "Measuring",
    "MeasuringModel",
    "MeKind",
    "ModelList",
    "ModelOut",
    "ModelPin",
    "Models",
    "ModelStatus",
    "OpenUpload",
    "Options",
    "Parity",
    "PartDone",
    "PartRef",
    "PartStatus",
    "PartUrl",
    "PersonOut",
    "PersonOutStatus",
    "PersonPage",
    "PersonUpdate",
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
    "Promotion",
    "PromotionModel",
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
    "RenderCreate",
    "RenderCreateModelType0",
    "RenderCreateScope",
    "RenderOut",
    "Role",
    "RoleSource",
    "RunCreate",
    "RunCreateSettings",
    "RunOut",
    "RunOutFacts",
    "RunOutMetricsType0",
    "RunOutSettings",
    "RunPage",
    "RunState",
    "SessionCreate",
    "SessionOut",
    "ShotOut",
    "ShotProgress",
    "ShotProgressStatus",
    "ShotScore",
    "SoundCheck",
    "Sync",
    "SyncChoice",
    "SyncMeasure",
    "SyncMode",
    "SyncNetScore",
    "SyncPlan",
    "TimeRange",
    "TitleAnalysis",
    "TitleChange",
    "TitleChangeMetadataType0",
    "TitleCreate",
    "TitleCreateMetadata",
    "TitleOut",
    "TitleOutMetadata",
    "TitlePage",
    "UploadComplete",
    "UploadCreate",
    "UploadOut",
    "UploadOutState",
    "UploadPage",
    "Urgency",
    "VideoFacts",
    "VideoRef",
    "VideoUrl",
    "WebhookEvent",
    "WebhookFormat",
    "Witness",
    "Witnessed",
)
