"""The paper's instances and adversarial streams: measured against predicted (``adl-opt theory``)."""
