"""Where things lie."""

from pathlib import Path

HELPERS = Path(__file__).parent
ROOT = HELPERS.parents[1]
PYTHON_CLIENT = ROOT / "shared" / "dubline_client"
LANDMARKER = ROOT / "third_party" / "face_landmarker" / "face_landmarker.task"
HAND_LANDMARKER = ROOT / "third_party" / "hand_landmarker" / "hand_landmarker.task"
