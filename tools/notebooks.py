"""Notebooks as they are committed: what cells show, without where and when they ran: `python -m tools.notebooks`."""

import json
import sys
from pathlib import Path

__all__ = ["tidy"]


def tidy(text: str) -> str:
    """Take times of execution and warnings, which name temporary files, out of a notebook."""
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        cell["metadata"].pop("execution", None)
        if "outputs" in cell:
            cell["outputs"] = [shown for shown in cell["outputs"] if shown.get("name") != "stderr"]
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    for path in sorted(Path(sys.argv[1]).glob("*.ipynb")):
        path.write_text(tidy(path.read_text(encoding="utf-8")), encoding="utf-8")
