"""Sphinx: pages in myst, reference from docstrings, examples as a gallery; nothing is fetched."""

from pathlib import Path

import adl_opt

project = "adl_opt"
author = project_copyright = "the adl_opt team"
version = release = adl_opt.__version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
html_theme = "furo"
html_title = f"adl_opt {version}"
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "examples",
    "filename_pattern": r"/\d\d_",
    "plot_gallery": "True",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "show_signature": False,
    "image_scrapers": (),
    "abort_on_example_error": True,
}


def components_page() -> str:
    """Return the table of learners from the registry, one for each part: what each declares."""
    from adl_opt.policy.components import COLUMNS, components

    names = [c for c in COLUMNS if c != "part"]
    lines = ["# Components", "", "The learners of the registry, as their classes declare themselves.", ""]
    for part in ("severity", "allocation"):
        lines += [f"## Learners of {part}", "", f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]
        for row in components():
            if row["part"] == part:
                cells = [f"`{row[c]}`" if c == "learner" else row[c].replace("|", "\\|") for c in names]
                lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def setup(app: object) -> None:
    """Write generated pages before sources are read."""
    (Path(__file__).parent / "components.md").write_text(components_page(), encoding="utf-8")
