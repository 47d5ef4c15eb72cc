"""The picture in docs/tutorial.md: what the page's own blocks draw from results/.

python docs/figures/tutorial.py          # typed in the repository's root
"""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib
from PIL import Image

PAGE, OUT = Path("docs/tutorial.md"), Path("docs/figures/tutorial-candidate.png")
DRAWN = Path("candidate.png")
COLOURS = 128


def main() -> None:
    """Run the blocks of Python on the page, and keep the picture with few colours, so that the page stays light."""
    matplotlib.use("agg")
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)
    picture = Image.open(DRAWN).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    picture.save(OUT, optimize=True)
    DRAWN.unlink()


if __name__ == "__main__":
    main()
