"""What can go wrong with the local stack."""

from dubbing.errors import Permanent


class StackError(Permanent):
    """A process of the local stack cannot be prepared, started or stopped."""

    code = "local_stack"
    title = "The local stack is not available"
    status = 503
