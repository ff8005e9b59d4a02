"""HiGHS, silent and on one thread, so that the same work gives the same answer."""

import highspy


def new_solver() -> highspy.Highs:
    """An empty solver."""
    solver = highspy.Highs()  # type: ignore[no-untyped-call]  # highspy leaves this one method without types
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    return solver
