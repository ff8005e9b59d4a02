"""What a form asks for: done once under the form's key, and a refusal told in the reader's words."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import flash
from sqlalchemy.orm import Session

from web.api.idempotency import run_once, stored_problem

Act = Callable[[Session], Mapping[str, Any]]
Done = tuple[dict[str, Any], dict[str, Any] | None]


def do_once(content: Mapping[str, Any], act: Act) -> Done:
    """Run ``act`` at most once under the form's key: what it answered, and the refusal as a problem or None.

    ``content`` is what the form said; ``act`` must have no effect but on its session.
    """
    answer = run_once(act, content)
    return (dict(answer.body), None) if not answer.is_refusal else ({}, stored_problem(answer.body))


def do_and_say(content: Mapping[str, Any], act: Act, said: str | None = None) -> dict[str, Any] | None:
    """Run ``act`` as :func:`do_once` does and tell on the next page what came of it; None when it was refused."""
    body, problem = do_once(content, act)
    if problem is not None:
        flash(problem["detail"], "error")
        return None
    if said:
        flash(said, "ok")
    return body


def refusal_of(content: Mapping[str, Any], act: Act, said: str) -> dict[str, Any] | None:
    """Run ``act`` as :func:`do_once` does: the refusal as a problem for the form, or None, and ``said`` is told."""
    problem = do_once(content, act)[1]
    if problem is None:
        flash(said, "ok")
    return problem
