"""The reference pages of the documentation, written from the code that they describe; MkDocs calls this as a hook.

Study keys come from the models that read a study file, commands from the program itself, public names from the package:
a page that is written so cannot lag behind.
"""

import ast
import inspect
import itertools
import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from typer.models import ArgumentInfo

ROOT = Path(__file__).resolve().parents[1]
# Python names by what they are for; the packages that hold them, in the order of the house.
PARTS = {
    "reading": ("Reading", "Files become checked tables, streets and timetables.", ("inputs", "network", "samples")),
    "minutes": ("Minutes", "From homes to sites and back.", ("times", "contours", "itineraries", "lines", "workers")),
    "reach": ("Reach", "Whom each site reaches, and who is left out.", ("analysis", "publics", "reachable")),
    "choosing": ("Choosing", "Which sites to open together.", ("siting",)),
    "showing": ("Showing", "Maps, reports and rasters.", ("output",)),
    "studies": ("Studies", "The whole of it, from a study file.", ("study",)),
    "parameters": ("Parameters and errors", "How people travel, and what can go wrong.", ("config", "errors")),
}
# What a docstring says of what is returned, where no line of it is set in: a sentence, and no type.
RETURNS = re.compile(r"(^Returns\n-------\n)((?:\S.*\n?)+)(?=\n|\Z)", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to those that are written by hand."""
    pages = {
        "reference/study.md": study_page(),
        "reference/commands.md": commands_page(),
        "reference/tables.md": tables_page(),
        "changelog.md": (ROOT / "CHANGELOG.md").read_text("utf-8"),
        **{f"reference/python/{part}.md": names_page(part) for part in PARTS},
    }
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Write a table in Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines) + "\n"


class OwnTypes(griffe.Extension):
    """Take types from the signature, as the docstrings do not repeat them.

    The reader of docstrings gives all parameters that are explained together the type of the first, and takes a
    sentence on what is returned for a type.
    """

    def on_function(self, *, func: griffe.Function, **_: Any) -> None:
        """Mend what was read of one function."""
        if func.docstring is None:
            return
        func.docstring.value = RETURNS.sub(
            lambda found: f"{found[1]}{func.returns}\n{textwrap.indent(found[2], '    ')}", func.docstring.value
        )
        sections = func.docstring.parse("numpy")
        for section in sections:
            for each in section.value if section.kind is griffe.DocstringSectionKind.parameters else ():
                if each.name in func.parameters:
                    each.annotation = func.parameters[each.name].annotation
                    each.default = func.parameters[each.name].default
        func.docstring.parsed = sections


# -- study keys ---------------------------------------------------------------------------------------------------


def study_page() -> str:
    """Write every key of a study file: kind, default with its range, and what it is for."""
    from siteplan.config import Study

    schema = Study.model_json_schema()
    models = schema["$defs"]
    plain = {key: value for key, value in schema["properties"].items() if not inner(value, models)}
    text = [
        "# Every key of a study file\n\nWritten from the models that read it. Paths are relative to the study file. "
        "A key that is left out, or left empty, takes its default; `--set key=value` sets one of them on any command "
        "that takes a study. A key that is not here is refused, with the one that was probably meant. `siteplan init` "
        "writes a file with all of them.\n",
        "## The study\n",
        keys_table(plain, ""),
    ]
    written: dict[str, str] = {}
    for key, value in schema["properties"].items():
        if key not in plain:
            text += [
                heading(2, key),
                f"{sentence(value.get('description', ''))}\n",
                *section(value, key, models, written),
            ]
    return "\n".join(text)


def section(value: Mapping[str, Any], path: str, models: Mapping[str, Any], written: dict[str, str]) -> Iterator[str]:
    """Write the keys under a key, then those of the sections within it; what is `written` already is referred to."""
    found = inner(value, models)
    first = written.setdefault(", ".join(model["title"] for model in found), path)
    if first != path:
        yield f"The keys are those of [{first}](#{anchor(first)}).\n"
        return
    for model in found:
        if len(found) > 1:
            yield f"**{model['description']}**\n"
        deeper = {key: each for key, each in model["properties"].items() if inner(each, models)}
        flat = {key: each for key, each in model["properties"].items() if key not in deeper}
        prefix = f"{path}{steps(value)}."
        if flat:
            yield keys_table(flat, prefix, model.get("required", ()))
        for key, each in deeper.items():
            yield heading(3, f"{prefix}{key}")
            yield f"{sentence(each.get('description', ''))}\n"
            yield from section(each, f"{prefix}{key}", models, written)


def heading(level: int, key: str, link: str = "") -> str:
    """Write a key as a heading that can be linked to."""
    return f"{'#' * level} {key} {{ #{anchor(link or key)} }}\n"


def anchor(key: str) -> str:
    """Return what a link to a key ends with."""
    return re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-")


def keys_table(keys: Mapping[str, Any], prefix: str, required: Any = ()) -> str:
    """Write the table of some keys."""
    rows = [
        (f"`{prefix}{key}`", kind(value), default(value, key in required), with_code(value.get("description", "")))
        for key, value in keys.items()
    ]
    return table(("key", "kind", "default", "what"), rows)


def inner(value: Mapping[str, Any], models: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Give the models that a value holds: itself, its entries, or what stands under its names."""
    if "$ref" in value:
        return [models[value["$ref"].rsplit("/", 1)[1]]]
    parts = [*value.get("anyOf", ()), *value.get("oneOf", ())]
    parts += [part for part in (value.get("items"), value.get("additionalProperties")) if isinstance(part, dict)]
    return [model for part in parts for model in inner(part, models)]


def steps(value: Mapping[str, Any]) -> str:
    """Say what lies between a key and the keys under it: names of one's own, or entries of a list."""
    if isinstance(value.get("additionalProperties"), dict):
        return f".NAME{steps(value['additionalProperties'])}"
    for part in value.get("anyOf", ()):
        if found := steps(part):
            return found
    return "[]" if value.get("type") == "array" else ""


def with_code(text: str) -> str:
    """Mark what stands in braces and brackets as code."""
    out, depth = "", 0
    for character in text:
        opens, closes = character in "{[", character in "}]"
        out += "`" if opens and depth == 0 else ""
        depth += opens - closes
        out += character + ("`" if closes and depth == 0 else "")
    return out.replace("<", "&lt;")


def sentence(text: str) -> str:
    """Begin with a capital and end with a stop."""
    text = with_code(text)
    return f"{text[:1].upper()}{text[1:]}."


def kind(value: Mapping[str, Any]) -> str:
    """Say in words what a value may be, with its range."""
    if "anyOf" in value or "oneOf" in value:
        parts = [
            kind(part) for part in (*value.get("anyOf", ()), *value.get("oneOf", ())) if part.get("type") != "null"
        ]
        return " or ".join(dict.fromkeys(parts))
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return " or ".join(f"`{each}`" for each in value["enum"])
    if "prefixItems" in value:
        return f"list of {len(value['prefixItems'])}: {kind(value['prefixItems'][0])}"
    if value.get("type") == "array":
        return f"list of {kind(value.get('items', {}))}"
    if value.get("type") == "object":
        rest = value.get("additionalProperties")
        return f"names with {kind(rest)} each" if isinstance(rest, dict) else "names with values"
    names = {"string": "text", "number": "number", "integer": "whole number", "boolean": "true or false"}
    word = "file or folder" if value.get("format") == "path" else names.get(str(value.get("type")), "any")
    return f"{word}{bounds(value)}"


def bounds(value: Mapping[str, Any]) -> str:
    """Say the range of a number."""
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    found = [f"{sign} {value[name]:g}" for name, sign in signs.items() if name in value]
    return f" {', '.join(found)}" if found else ""


def default(value: Mapping[str, Any], required: bool) -> str:
    """Say the default of a key."""
    if required:
        return "*needed*"
    given = value.get("default")
    return "" if given in (None, "", [], {}) else f"`{json.dumps(given, ensure_ascii=False)}`"


# -- commands -----------------------------------------------------------------------------------------------------


def commands_page() -> str:
    """Write every command with its arguments and options."""
    from siteplan.cli import app

    text = [
        "# Every command\n\nWritten from the program itself. What goes where, exit codes, variables in place of "
        "options and completion: [Work at the command line](../how-to/terminal.md).\n",
        "Where a command takes a study, it may be a file, plain options, or a file with options in place of its keys."
        "\n",
    ]
    for command in app.registered_commands:
        callback: Any = command.callback
        name = command.name or callback.__name__
        parameters = [parameter(each) for each in inspect.signature(callback).parameters.values()]
        usage = "".join(f" {flag}" for flag, _ in parameters if not flag.startswith("-"))
        rows = [(f"`{flag}`".replace(", ", "`<br>`"), what) for flag, what in parameters]
        text += [
            f"## siteplan {name}\n\n{inspect.getdoc(callback)}\n",
            f"```text\nsiteplan {name}{usage} [OPTIONS]\n```\n",
            table(("option", "what"), rows),
        ]
    return "\n".join(text)


def parameter(each: inspect.Parameter) -> tuple[str, str]:
    """Name an argument or an option with its kind of value, and say what it is for."""
    annotation, info = get_args(each.annotation)
    if isinstance(info, ArgumentInfo):
        name = info.metavar or each.name.upper()
        return (name if each.default is each.empty or name.startswith("[") else f"[{name}]"), str(info.help)
    kinds = {kind for part in (annotation, *get_args(annotation)) for kind in (part, *get_args(part))}
    words = {Path: "PATH", int: "NUMBER", float: "NUMBER", str: "TEXT"}
    value = info.metavar or next((word for kind, word in words.items() if kind in kinds), "")
    # Typer keeps the first flag where a default would be.
    flags = [str(flag) for flag in (info.default, *info.param_decls) if str(flag).startswith("-")]
    return ", ".join(f"{flag} {value}".strip() for flag in flags), str(info.help)


# -- tables -----------------------------------------------------------------------------------------------------------


def tables_page() -> str:
    """Write every table and layer of a result with its columns."""
    from siteplan.catalogue import table_rows

    text = [
        "# Every table of a result\n\nWritten from the catalogue that the program itself writes and reads them by. "
        "Tables are CSV in UTF-8; what is not known is empty. Of columns that are called alike, a pattern stands for "
        "all: `unique_<group>_<mode>_<minutes>` for `unique_workers_walk_15`, and for `unique_walk_15`, which counts "
        "all people (`people_walk_15` are those reached). A name that could be read in two ways is written in full: "
        "`reached__unique__walk__15` are those reached of a group called unique.\n"
    ]
    for each, columns in itertools.groupby(table_rows(), key=lambda row: row[0]):
        rows = [
            (f"`{column.name}`", column.unit, column.about + (" *(where asked for)*" if column.optional else ""))
            for _, column in columns
            if column is not None
        ]
        layer = any(column == "`geometry`" for column, *_ in rows)
        title, link = (f"{each.name} in {each.file}", f"layer-{each.name}") if layer else (each.file, each.file)
        text += [
            heading(2, title, link),
            f"{each.about}\n",
            *([table(("column", "unit", "what"), rows)] if rows else []),
        ]
    return "\n".join(text)


# -- Python names -------------------------------------------------------------------------------------------------


def names_page(part: str) -> str:
    """Write the public names of one part, for mkdocstrings to fill in from the docstrings."""
    title, about, packages = PARTS[part]
    text = [f"# {title}\n\n{about} All names are those of `siteplan` itself: `import siteplan as sp`.\n"]
    for name, home in sorted(homes().items(), key=lambda each: each[0].lower()):
        if home.split(".")[1] in packages:
            text.append(f"::: {home}.{name}\n")
    return "\n".join(text)


def homes() -> dict[str, str]:
    """Return the module that each public name is defined in, as the package's own imports say."""
    package = ROOT / "siteplan"
    stub = package / "__init__.pyi"
    tree = ast.parse((stub if stub.exists() else package / "__init__.py").read_text("utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    names = {
        alias.asname or alias.name: f"siteplan.{node.module}" if node.level else str(node.module)
        for node in found
        for alias in node.names
    }
    return {name: home for name, home in names.items() if home.startswith("siteplan.")}
