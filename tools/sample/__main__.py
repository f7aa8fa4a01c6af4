"""Draw the sample territory anew into a folder: `python -m tools.sample data/sample`."""

import shutil
import sys
import tempfile
from pathlib import Path

from tools.sample import draw_sample

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as drawn:
        draw_sample(Path(drawn))
        shutil.copytree(drawn, sys.argv[1], dirs_exist_ok=True)
