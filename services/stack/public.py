"""What others may use of the stack; the rest is its own business (a contract of import-linter)."""

from services.stack.environment import program_environment
from services.stack.errors import StackError
from services.stack.home import CHECKOUT, default_home, home_at
from services.stack.local import LocalStack, StartProgress
from services.stack.models import ModelReport, ModelState
from services.stack.plan import ProcessPhase, ProcessStatus, StackStatus
from services.stack.reap import process_tree
from services.stack.table import PROCESS_NAMES, USUAL_PROCESSES, processes_wanted
from services.stack.wheels import PinnedWheel, unpacked_wheel

__all__ = [
    "CHECKOUT",
    "PROCESS_NAMES",
    "USUAL_PROCESSES",
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
    "home_at",
    "process_tree",
    "processes_wanted",
    "program_environment",
    "unpacked_wheel",
]
