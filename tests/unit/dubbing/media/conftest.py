"""Media files made by code: each test says in ffmpeg's words what it needs."""

from pathlib import Path

import pytest
from media_samples import Make, ffmpeg


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """make("name.mp4", "-f", "lavfi", ...) runs ffmpeg in a folder of the test's own."""

    def run(name: str, *words: object) -> Path:
        ffmpeg(*words, tmp_path / name)
        return tmp_path / name

    return run


@pytest.fixture
def clip(make: Make) -> Make:
    """clip("a.mp4", size="64x48", rate="25", frames=50, extra...) makes H.264 with B-frames."""

    def run(name: str, *extra: object, size: str = "64x48", rate: str = "25", frames: int = 50) -> Path:
        even = "x".join(str(int(side) + int(side) % 2) for side in size.split("x"))  # testsrc2 knows even sizes only
        odd = "" if even == size else f",format=yuv444p,scale={size.replace('x', ':')}"
        source = ("-f", "lavfi", "-i", f"testsrc2=s={even}:r={rate}{odd}", "-frames:v", frames)
        return make(name, *source, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-bf", 3, "-g", 12, *extra)

    return run


@pytest.fixture
def noise(make: Make) -> Make:
    """noise("a.wav", samples=96_000, rate=48_000) makes sound without repetition, so that its place can be found again."""

    def run(name: str, *extra: object, samples: int = 96_000, rate: int = 48_000) -> Path:
        source = ("-f", "lavfi", "-i", f"anoisesrc=r={rate}:a=0.3:c=pink:s=7,atrim=end_sample={samples}")
        return make(name, *source, *extra)

    return run
