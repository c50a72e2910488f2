"""The data of every figure, once: matplotlib and plotly draw the same series."""
