"""Sphinx: pages in myst, reference from docstrings, examples as a gallery; nothing is fetched."""

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


def components(app: object) -> None:
    """Write the table of learners from the registry: what each declares."""
    from pathlib import Path

    from adl_opt.policy.components import components_markdown

    (Path(__file__).parent / "components.md").write_text(components_markdown(), encoding="utf-8")


def setup(app: object) -> None:
    """Write generated pages before sources are read."""
    components(app)
