"""Every option as an environment variable: `SITEPLAN_RUN_MODE=walk` for `siteplan run --mode walk`."""

from typing import Any

from typer.core import TyperCommand, TyperOption

__all__ = ["Command", "variable"]


class Command(TyperCommand):
    """A command whose options are read from variables where they are not typed."""

    def __init__(self, name: str | None, **given: Any) -> None:
        super().__init__(name, **given)
        for option in self.params:
            if isinstance(option, TyperOption):
                flag = next(each for each in option.opts if each.startswith("--"))
                option.envvar = variable(name or "", flag)
                option.show_envvar = False  # it follows from the flag, and help says so once


def variable(command: str, flag: str) -> str:
    """Name the variable of an option: the command and the flag, in capitals.

    No command is called as what stands in the other variables of siteplan (`SITEPLAN_CACHE`, `SITEPLAN_OFFLINE`,
    `SITEPLAN_URL_...`, `SITEPLAN_WORDS`), so that none of them is taken for an option.
    """
    return f"SITEPLAN_{command}_{flag.lstrip('-')}".replace("-", "_").upper()
