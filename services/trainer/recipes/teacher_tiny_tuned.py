"""The demonstration model's teacher in minutes: it begins as the committed student.

The big ones begin as trained networks too. From nothing, two cores would need many hours for what a GPU learns in minutes.
"""

from dataclasses import replace

from dubbing.domain.training import SERVED
from services.trainer.recipes import teacher_tiny

RECIPE = replace(
    teacher_tiny.RECIPE,
    name="teacher_tiny_tuned",
    update=replace(teacher_tiny.RECIPE.update, lr=5e-4),
    steps=600,
    start=f"{SERVED}1",
)
