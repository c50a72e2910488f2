"""
A sweep on Dask
===============

The same plan on one process and on a Dask cluster gives the same rows, bit for bit. Here the cluster is on
this machine; ``adl-opt sweep CONFIG.toml --out DIR --scheduler tcp://HOST:8786`` takes any other (extra
``cluster``). Run it: ``python examples/09_sweep_on_dask.py``.
"""

# %%
# The plan: policies x scenarios x seeds
# --------------------------------------
import logging
import tempfile
from pathlib import Path

from distributed import LocalCluster

import adl_opt as adl
from adl_opt.studies.sweeps.plan import Plan

logging.getLogger("distributed.batched").setLevel(logging.ERROR)  # a cluster that closes says so at length
plan = Plan(policies=("pro-rata", "binance"), scenarios=("flash-crash", "no-deficit"), seeds=3)

# %%
# Here, and on the cluster
# ------------------------
# Every part that is finished is a Parquet file; a sweep that was stopped goes on with ``--resume``.
if __name__ == "__main__":
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as folder:
        here = adl.sweep(plan, Path(folder) / "here", workers=1)
        with LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=False,
            dashboard_address=None,
            silence_logs=logging.ERROR,
        ) as cluster:
            there = adl.sweep(plan, Path(folder) / "there", scheduler=cluster.scheduler_address)
        assert here.rows.equals(there.rows)
        assert len(here.failures) == 0
        print(f"{len(there.rows)} rows, the same on both")
        print(there.summary.head(8).to_string(index=False))
    logging.disable(logging.NOTSET)

# %%
# In a figure
# -----------
# Loss of each seed; the two policies meet the same accounts and prices.
import matplotlib.pyplot as plt

if __name__ == "__main__":
    crash = there.rows[there.rows["scenario"] == "flash-crash"]
    loss = crash.pivot(index="seed", columns="policy", values="total_usd") / 1e6
    axes = loss.plot.bar(figsize=(7, 3.6), rot=0, ylabel="loss, million USD")
    plt.show()
