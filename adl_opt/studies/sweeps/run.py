"""A sweep from plan to tables: run what is left, keep every finished chunk, sum up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adl_opt.answer import SCHEMA, Answer, Progress, showing
from adl_opt.checks import whole_between
from adl_opt.locks import keeps_inputs
from adl_opt.losses import Loss
from adl_opt.studies.sweeps.backends import run_chunks
from adl_opt.studies.sweeps.parts import (
    RESULTS,
    open_folder,
    read_parts,
    sweep_folder,
    write_part,
    write_tables,
)
from adl_opt.studies.sweeps.plan import Plan, as_plan
from adl_opt.studies.sweeps.summary import feedback_table, summary_table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Sweep(Answer):
    """A finished sweep: its rows, its summary, and the feedback effect where ``feedback`` was swept."""

    plan: Plan
    rows: pd.DataFrame
    summary: pd.DataFrame
    feedback: pd.DataFrame | None

    @property
    def failures(self) -> pd.DataFrame:
        """Return the rows that hold an error."""
        return self.rows[self.rows["error"] != ""]

    def frame(self) -> pd.DataFrame:
        """Return the summary: means with intervals, one row per scenario, point, policy and figure."""
        return self.summary

    def to_json(self) -> dict[str, Any]:
        """Return summary, feedback and failures as plain values."""
        failed = self.failures[["cell", "scenario", "seed", "policy", "error"]]
        effect = [] if self.feedback is None else self.feedback.to_dict("records")
        head = {"schema": SCHEMA, "cells": len(self.rows), "failed": len(failed)}
        tables = {"summary": self.summary.to_dict("records"), "feedback": effect}
        return head | tables | {"failures": failed.to_dict("records")}


@keeps_inputs("out")
def sweep(
    plan: Plan | str | PathLike[str],
    out: str | PathLike[str],
    *,
    workers: int = 1,
    scheduler: str | None = None,
    resume: bool = False,
    loss: Loss | str | None = None,
    space: str | None = None,
    progress: Progress = True,
) -> Sweep:
    """Run a plan and leave its tables in a folder.

    Parameters
    ----------
    plan : Plan or path
        A plan, or the TOML file that holds it (:func:`adl_opt.studies.sweeps.plan.read_plan`).
    out : path
        Gets ``parts/`` (a file a chunk), ``results.parquet``, ``summary.parquet``, ``feedback.parquet``, and
        ``results.json`` with their SHA-256.
    workers : int
        Processes of this machine; 1 runs in this one.
    scheduler : str, optional
        Address of a Dask scheduler, in place of processes.
    resume : bool
        Go on with what is in the folder: chunks that are there, as they were written, are not run again.
    loss : Loss or str, optional
        In the place of the plan's own.
    space : {'wealth', 'contracts'}, optional
        In the place of the plan's own.
    progress : bool or callable
        A bar where the call takes long, or a function of (cells done, all).

    Returns
    -------
    Sweep
        Its rows have the same bits for every number of workers and every back end.

    Raises
    ------
    UsageError
        The folder is taken, another process is at work in it, or the cluster is not there.
    """
    import pandas as pd

    whole_between("sweep: workers", workers, 1, 1024)
    plan, folder = as_plan(plan), Path(out)
    plan = replace(plan, loss=plan.loss if loss is None else loss, space=space or plan.space)
    with sweep_folder(folder):
        todo = open_folder(folder, plan, resume)
        waiting, width = set(todo), len(plan.policies)
        done = sum(len(jobs) * width for c, jobs in enumerate(plan.chunks) if c not in waiting)
        with showing("sweep", progress) as advance:
            for chunk, rows in run_chunks(plan, todo, workers, scheduler):
                write_part(folder, chunk, pd.DataFrame(rows))
                done += len(rows)
                advance(done, len(plan) * width)
        made = tabled(plan, read_parts(folder, len(plan.chunks)))
        tables = {RESULTS: made.rows, "summary.parquet": made.summary}
        if made.feedback is not None:
            tables["feedback.parquet"] = made.feedback
        write_tables(folder, plan, tables)
    return made


def tabled(plan: Plan, rows: pd.DataFrame) -> Sweep:
    """Sum up the rows of a plan."""
    names = plan.columns
    strengths = plan.parameters.get("feedback", ())
    effect = feedback_table(rows, names) if 0 in strengths and len(strengths) > 1 else None
    return Sweep(plan, rows, summary_table(rows, names, plan.baseline), effect)
