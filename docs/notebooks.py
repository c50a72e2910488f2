"""Write every example as a notebook: ``python docs/notebooks.py FOLDER`` (``make notebooks``)."""

import sys
from pathlib import Path

from sphinx_gallery.gen_gallery import DEFAULT_GALLERY_CONF
from sphinx_gallery.notebook import jupyter_notebook, save_notebook
from sphinx_gallery.py_source_parser import split_code_and_text_blocks

EXAMPLES = Path(__file__).parents[1] / "examples"


def write(folder: Path) -> list[Path]:
    """Write the notebooks, one for each example of the gallery; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for script in sorted(EXAMPLES.glob("[0-9]*.py")):
        _, blocks = split_code_and_text_blocks(str(script))
        made.append(folder / f"{script.stem}.ipynb")
        save_notebook(jupyter_notebook(blocks, DEFAULT_GALLERY_CONF, str(folder)), made[-1])
    return made


if __name__ == "__main__":
    for path in write(Path(sys.argv[1])):
        print(path)
