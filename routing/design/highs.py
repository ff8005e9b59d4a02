"""HiGHS, silent and on one thread, so that the same work gives the same answer."""

import highspy
import numpy as np
import numpy.typing as npt


def new_solver() -> highspy.Highs:
    """An empty solver."""
    solver = highspy.Highs()  # type: ignore[no-untyped-call]  # highspy leaves this one method without types
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    return solver


def fill(
    lp: highspy.HighsLp, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], values: npt.NDArray[np.float64]
) -> None:
    """Put the matrix, given entry by entry in any order, into a model whose number of columns is set."""
    order = np.lexsort((rows, columns))
    starts = np.cumsum(np.bincount(columns, minlength=lp.num_col_))
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.concatenate([[0], starts]).astype(np.int32)
    lp.a_matrix_.index_, lp.a_matrix_.value_ = rows[order].astype(np.int32), values[order]
