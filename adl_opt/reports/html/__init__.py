"""The HTML report: one file that opens offline (plotly and jinja2)."""
