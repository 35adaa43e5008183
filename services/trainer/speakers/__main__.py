"""Makes the demonstration's sample: `python -m services.trainer.speakers FOLDER`."""

import argparse
from pathlib import Path

import structlog

from .demo import make_demo_sample


def main() -> None:
    """Writes speaker.mp4 and replacement.wav."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    made = make_demo_sample(parser.parse_args().folder)
    structlog.get_logger().info("speakers.demo", video=str(made.video), audio=str(made.audio), frames=made.frames)


if __name__ == "__main__":
    main()
