"""What others may use of the stack; the rest is its own business (a contract of import-linter)."""

from services.stack.environment import of_programs
from services.stack.errors import StackError
from services.stack.home import CHECKOUT, default_home
from services.stack.local import LocalStack, StartProgress
from services.stack.models import ModelReport, ModelState
from services.stack.plan import ProcessPhase, ProcessStatus, StackStatus
from services.stack.table import NAMES, USUAL, wanted
from services.stack.wheels import PinnedWheel, unpacked

__all__ = [
    "CHECKOUT",
    "NAMES",
    "USUAL",
    "LocalStack",
    "ModelReport",
    "ModelState",
    "PinnedWheel",
    "ProcessPhase",
    "ProcessStatus",
    "StackError",
    "StackStatus",
    "StartProgress",
    "default_home",
    "of_programs",
    "unpacked",
    "wanted",
]
