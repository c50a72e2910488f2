"""Sphinx: pages in myst, reference from docstrings, examples as a gallery; nothing is fetched."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docutils.nodes import SkipNode
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

import adl_opt

sys.path.insert(0, str(Path(__file__).parent))

import generated
import pictures

project = "adl_opt"
author = project_copyright = "the adl_opt team"
version = release = adl_opt.__version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "shown",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
html_math_renderer = "mathml"
html_theme = "furo"
html_title = f"adl_opt {version}"
html_static_path = ["_static"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "examples",
    "filename_pattern": r"/(\d\d_|backtest_book)",
    "plot_gallery": "True",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "show_signature": False,
    "image_scrapers": ("matplotlib", "shown.drawn"),
    "default_thumb_file": str(Path(__file__).parent / "concepts" / "spaces.svg"),
    "ignore_repr_types": r"matplotlib\.figure",
    "abort_on_example_error": True,
}


def _mathml(block: bool) -> Callable[[HTML5Translator, Any], None]:
    """Return the visitor that writes a formula as MathML, which browsers draw without a script."""

    def visit(translator: HTML5Translator, node: Any) -> None:
        formula = convert(node.astext(), display="block" if block else "inline")
        translator.body.append(f"<div class='math'>{formula}</div>" if block else formula)
        raise SkipNode

    return visit


def setup(app: Sphinx) -> None:
    """Write generated pages and pictures before sources are read; formulas need no network."""
    here = Path(__file__).parent
    generated.write(here)
    pictures.main()
    app.add_html_math_renderer("mathml", (_mathml(False), None), (_mathml(True), None))
