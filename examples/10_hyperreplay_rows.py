"""
Real rows: HyperReplay
======================

The synthetic winners of ``oct10`` give way to the accounts that were in fact deleveraged. The rows are
third party ("Powered by HyperReplay - (c) ConejoCapital", non-commercial licence) and no part of this
project: set ``ADL_OPT_DATA`` to the folder that holds ``hyperreplay/``. Run it: ``python
examples/10_hyperreplay_rows.py``.
"""

# %%
# Read the rows
# -------------
# One row per ADL fill of a winner, joined by time to the published rounds table.  The report says what the
# rows cannot tell: winners that were not deleveraged are not in the file.
import os
from pathlib import Path

import adl_opt as adl
from adl_opt.datasets.hyperreplay.importer import import_hyperreplay

folder = Path(os.environ.get("ADL_OPT_DATA", "no-folder")) / "hyperreplay"
files = sorted(folder.glob("adl_detailed_analysis_REALTIME*.csv"))

# %%
# Replay them
# -----------
# Without the file there is nothing to show, and the script says what to do.
if not files:
    print(f"skipped: no HyperReplay rows in {folder}; get the file as the README says, and set ADL_OPT_DATA")
else:
    episode, report = import_hyperreplay(files[0])
    print(report.summary)
    result = adl.replay(episode, ["production", "hyperliquid-literal", "pro-rata", "min-max-lots"])
    print(result)

# %%
# In a figure
# -----------
result.plot.cumulative() if files else None
