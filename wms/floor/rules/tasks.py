"""Refusals of the work queue."""

from wms.errors import N_, Kind, WmsError


class UnknownTask(WmsError):
    """No task has this number, or it is not the caller's to see."""

    code = "unknown_task"
    kind = Kind.NOT_FOUND
    text = N_("There is no task %(task)s.")


class TaskNotOpen(WmsError):
    """The task is done or withdrawn."""

    code = "task_not_open"
    kind = Kind.CONFLICT
    text = N_("Task %(task)s cannot be taken: it is %(state)s.")


class TaskTaken(WmsError):
    """Somebody else was faster."""

    code = "task_taken"
    kind = Kind.CONFLICT
    text = N_("%(person)s has had task %(task)s since %(since)s.")
