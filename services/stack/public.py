"""What others may use of the stack; the rest is its own business (a contract of import-linter)."""

from services.stack.carrier import Carrier, unpacked
from services.stack.errors import StackError
from services.stack.home import CHECKOUT, default_home
from services.stack.local import LocalStack, Progress
from services.stack.models import ModelState, ModelStatus
from services.stack.plan import Phase, ProcessStatus, Status
from services.stack.table import NAMES, USUAL, wanted

__all__ = [
    "CHECKOUT",
    "NAMES",
    "USUAL",
    "Carrier",
    "LocalStack",
    "ModelState",
    "ModelStatus",
    "Phase",
    "ProcessStatus",
    "Progress",
    "StackError",
    "Status",
    "default_home",
    "unpacked",
    "wanted",
]
