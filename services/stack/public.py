"""What others may use of the stack; the rest is its own business (a contract of import-linter)."""

from services.stack.carrier import Carrier, unpacked
from services.stack.errors import StackError
from services.stack.home import CHECKOUT, default_home
from services.stack.local import LocalStack, StartProgress
from services.stack.models import ModelReport, ModelState
from services.stack.plan import ProcessPhase, ProcessStatus, StackStatus
from services.stack.table import NAMES, USUAL, wanted

__all__ = [
    "CHECKOUT",
    "NAMES",
    "USUAL",
    "Carrier",
    "LocalStack",
    "ModelReport",
    "ModelState",
    "ProcessPhase",
    "ProcessStatus",
    "StackError",
    "StackStatus",
    "StartProgress",
    "default_home",
    "unpacked",
    "wanted",
]
