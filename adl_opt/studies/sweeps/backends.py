"""Running the chunks of a sweep: in this process, in joblib's processes, or on a Dask cluster.

A chunk gives one row per cell.  A cell that fails is a row too, so the others go on.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from adl_opt.errors import SolverError, UsageError
from adl_opt.policy.policy import make_policy
from adl_opt.studies.simulation.run import METRICS, Start, run_policy
from adl_opt.studies.sweeps.plan import Plan, Row

Done = Iterator[tuple[int, list[Row]]]


def run_chunks(plan: Plan, todo: Sequence[int], workers: int, scheduler: str | None) -> Done:
    """Yield (chunk, rows) as chunks are done, in any order."""
    if scheduler is not None:
        return _dask(plan, todo, scheduler)
    if workers > 1 and len(todo) > 1:
        return _joblib(plan, todo, workers)
    return (run_chunk(plan, chunk) for chunk in todo)


def _joblib(plan: Plan, todo: Sequence[int], workers: int) -> Done:
    from joblib import Parallel, delayed
    from joblib.externals.loky import get_reusable_executor
    from joblib.externals.loky.process_executor import BrokenProcessPool

    pool = Parallel(n_jobs=workers, return_as="generator_unordered", pre_dispatch="3*n_jobs", batch_size=1)
    try:
        yield from pool(delayed(run_chunk)(plan, chunk) for chunk in todo)
    except (KeyboardInterrupt, GeneratorExit):
        _silence_manager()
        get_reusable_executor().shutdown(wait=False, kill_workers=True)
        raise
    except BrokenProcessPool as error:
        raise SolverError(
            "a process of the sweep was killed",
            got=" ".join(str(error).split())[:300],
            ways_out=[
                "run again with --resume: finished chunks are kept",
                "fewer --workers, if memory ran out",
            ],
        ) from error


def _silence_manager() -> None:
    """Keep loky's own thread from a traceback about the workers that an interrupt kills."""
    before = threading.excepthook

    def tell(failure: threading.ExceptHookArgs) -> None:
        if failure.thread is None or not failure.thread.name.startswith("ExecutorManager"):
            before(failure)

    threading.excepthook = tell


def _dask(plan: Plan, todo: Sequence[int], scheduler: str) -> Done:
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise UsageError(
            "a sweep on a cluster needs Dask, which is not installed",
            got=f"--scheduler {scheduler}",
            ways_out=["pip install 'adl-opt[cluster]'", "leave --scheduler out: processes on this machine"],
        ) from error
    try:
        client = distributed.Client(scheduler, timeout="10s")
    except (OSError, ValueError, TimeoutError) as error:
        raise UsageError(
            "the scheduler cannot be reached",
            got=f"{scheduler} ({type(error).__name__}: {error})",
            ways_out=["check the address, such as tcp://host:8786", "start it with: dask scheduler"],
        ) from error
    with client:
        try:
            yield from _on_cluster(distributed, client, plan, todo)
        except (OSError, TimeoutError) as error:  # its errors of communication are OSErrors
            raise SolverError(
                "the cluster was lost",
                got=f"{scheduler} ({type(error).__name__}: {' '.join(str(error).split())[:300]})",
                ways_out=["run again with --resume: finished chunks are kept", "look at the workers' logs"],
            ) from error


def _on_cluster(distributed: Any, client: Any, plan: Plan, todo: Sequence[int]) -> Done:
    shared = client.scatter(plan, broadcast=True, hash=False)
    futures = [client.submit(run_chunk, shared, chunk, pure=False) for chunk in todo]
    for future in distributed.as_completed(futures):
        if future.status != "finished":
            failed = future.status == "error"
            why = repr(future.exception()) if failed else "is the scheduler still there?"
            raise SolverError(
                "a chunk of the sweep failed on the cluster",
                got=f"{future.status}: {why}",
                ways_out=["install the same adl-opt on every worker", "run again with --resume"],
            )
        yield future.result()
        future.release()


def run_chunk(plan: Plan, chunk: int) -> tuple[int, list[Row]]:
    """Return a chunk and its rows, one per market and policy; nothing in them depends on where it was run.

    A cell that fails is a row with its ``error`` and no figures; the others go on.
    """
    return chunk, [row for job in plan.chunks[chunk] for row in _market(plan, job)]


def _market(plan: Plan, job: int) -> list[Row]:
    name, point, seed = plan.job(job)
    settings = plan.settings(name, point)
    start: Start | None = None
    rows = []
    for order, policy in enumerate(plan.policies):
        head = {"cell": job * len(plan.policies) + order, "scenario": name}
        head |= {"space": settings.space, **point, "seed": seed}
        head |= {"policy": policy, "information": "", "error": ""}
        try:
            made = make_policy(policy)
            head["information"] = made.information.value
            start = start or Start.draw(settings, seed)
            totals = run_policy(made, settings, seed=seed, start=start, loss=plan.loss).totals
            rows.append(head | {name: float(totals[name]) for name in METRICS})
        except (Exception, SystemExit) as error:  # a failure is a row, whatever it is
            message = " ".join(str(error).split())
            failed = head | {"error": f"{type(error).__name__}: {message}"}
            rows.append(failed | dict.fromkeys(METRICS, math.nan))
    return rows
