"""Run one study under many circumstances and compare its results byte by byte: `make steady`.

Nothing of where, when and in which order a study is computed may be seen in its results: the number of threads, the
seeds of hashes, the time zone, the language of the machine, the folder, and the order of the rows of every input.
"""

import argparse
import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import osmium

from siteplan.output.files import MANIFEST
from siteplan.output.packages import CRATE, PACKAGE

ROOT = Path(__file__).parents[1]
THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
CIRCUMSTANCES: dict[str, dict[str, str]] = {
    "again": {},
    "one thread": dict.fromkeys(THREADS, "1"),
    "four threads": dict.fromkeys(THREADS, "4"),
    "two processes": {"SITEPLAN_RUN_WORKERS": "2"},
    "another seed of hashes": {"PYTHONHASHSEED": "1"},
    "a third seed of hashes": {"PYTHONHASHSEED": "4242"},
    "in Kathmandu": {"TZ": "Asia/Kathmandu"},
    "in St. John's": {"TZ": "America/St_Johns"},
    "in French": {"LC_ALL": "fr_FR.UTF-8", "LANG": "fr_FR.UTF-8"},
    "in Turkish": {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
    "in plain C": {"LC_ALL": "C", "LANG": "C"},
}


def installed_locales() -> set[str]:
    """Return the locales of this machine, as `locale -a` names them, without marks and capitals."""
    try:
        told = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return set()
    return {_bare(name) for name in told.split()}


def _bare(name: str) -> str:
    return name.replace("-", "").lower()


def missing(environment: Mapping[str, str]) -> bool:
    """Tell whether a circumstance asks for a locale that this machine does not have."""
    asked = environment.get("LC_ALL", "C")
    return asked != "C" and _bare(asked) not in installed_locales()


def mix_lines(file: Path, seed: int = 1) -> None:
    """Put the rows of a CSV in another order, below its head."""
    head, *rows = file.read_text(encoding="utf-8").splitlines()
    random.Random(seed).shuffle(rows)
    file.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")


def mix_layer(file: Path, seed: int = 1) -> None:
    """Put the rows of a GeoPackage in another order."""
    table = gpd.read_file(file)
    file.unlink()
    table.sample(frac=1, random_state=seed).to_file(file, index=False)


def mix_feed(file: Path, seed: int = 1) -> None:
    """Put the files of a feed, and the rows of each, in another order."""
    with zipfile.ZipFile(file) as packed:
        texts = {name: packed.read(name).decode("utf-8-sig").splitlines() for name in packed.namelist()}
    shuffled = io.BytesIO()
    with zipfile.ZipFile(shuffled, "w") as packed:
        for name in reversed(texts):
            head, *rows = texts[name]
            random.Random(seed).shuffle(rows)
            packed.writestr(name, "\n".join([head, *rows]) + "\n")
    file.write_bytes(shuffled.getvalue())


def mix_streets(file: Path, seed: int = 1) -> None:
    """Put the nodes, the ways and the relations of an extract in another order."""
    kinds: dict[str, list[object]] = {"n": [], "w": [], "r": []}
    for thing in osmium.FileProcessor(str(file)):
        kinds[type(thing).__name__.lower()[0]].append(_kept(thing))
    header, date = osmium.io.Header(), "osmosis_replication_timestamp"
    with osmium.io.Reader(str(file)) as reader:
        header.set(date, reader.header().get(date))
    file.unlink()
    writer = osmium.SimpleWriter(str(file), header=header)
    for kind, add in (("n", writer.add_node), ("w", writer.add_way), ("r", writer.add_relation)):
        random.Random(seed).shuffle(kinds[kind])
        for thing in kinds[kind]:
            add(thing)
    writer.close()


def _kept(thing: Any) -> object:
    """Copy a thing of an extract out of its buffer."""
    values = {"id": thing.id, "version": thing.version, "tags": dict(thing.tags)}
    if thing.is_node():
        return osmium.osm.mutable.Node(location=(thing.location.lon, thing.location.lat), **values)
    if thing.is_way():
        return osmium.osm.mutable.Way(nodes=[node.ref for node in thing.nodes], **values)
    return osmium.osm.mutable.Relation(members=[(m.type, m.ref, m.role) for m in thing.members], **values)


MIXERS: dict[str, Callable[[Path], None]] = {
    ".csv": mix_lines,
    ".gpkg": mix_layer,
    ".zip": mix_feed,
    ".pbf": mix_streets,
    ".osm": mix_streets,
}


def mix(folder: Path) -> None:
    """Put the rows of all inputs in a folder in another order."""
    for file in sorted(folder.iterdir()):
        if file.suffix in MIXERS:
            MIXERS[file.suffix](file)


def digests(results: Path) -> dict[str, str]:
    """Return the digest of every file of results, without the inputs' digests that are told beside them."""
    found: dict[str, str] = {}
    inputs = json.loads((results / MANIFEST).read_bytes())["inputs"].values()
    for file in sorted(path for path in results.rglob("*") if path.is_file() and ".cache" not in path.parts):
        name, content = file.relative_to(results).as_posix(), file.read_bytes()
        if file.name == MANIFEST:
            told = json.loads(content)
            for described in told["inputs"].values():
                described.pop("sha256"), described.pop("bytes")
            told.pop("sha256", None)
            content = json.dumps(told, sort_keys=True).encode()
        elif file.name in (PACKAGE, CRATE, "report.html"):
            told_of = 12 if file.suffix == ".html" else None  # characters
            for described in inputs:
                content = content.replace(described["sha256"][:told_of].encode(), b"")
        found[name] = hashlib.sha256(content).hexdigest()
    return found


def run_in(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Run the study of a folder in a process of its own, and return the digests of its results."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    known = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": path, **environment}
    command = [sys.executable, "-m", "siteplan", "run", "study.yaml", "--quiet"]
    done = subprocess.run(command, cwd=folder, env=known, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return digests(folder / "results")


def different(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Name the files that are not the same in both."""
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def main() -> int:
    """Run the sample, or another study's folder, under every circumstance; 1 if any results differ."""
    from siteplan.samples import write_sample

    parser = argparse.ArgumentParser(prog="python -m tests.steady", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="a folder with study.yaml and its inputs; else the sample")
    source, differ = parser.parse_args().folder, 0
    with tempfile.TemporaryDirectory() as place:
        base = Path(place) / "base"
        if source is None:
            write_sample(base)
        else:
            shutil.copytree(source, base, ignore=shutil.ignore_patterns("results"))
        first = run_in(base, {})
        for name, environment in [*CIRCUMSTANCES.items(), ("in another folder", {}), ("rows in another order", {})]:
            if missing(environment):
                print(f"{name}: skipped, this machine has no locale {environment['LC_ALL']}")
                continue
            folder = Path(place) / ("another folder, de l'été" if "folder" in name else name.replace(" ", "-"))
            shutil.copytree(base, folder, ignore=shutil.ignore_patterns("results"))
            if name.startswith("rows"):
                mix(folder)
            began = time.monotonic()
            found = different(first, run_in(folder, environment))
            differ += bool(found)
            told = f"{len(found)} differ: {', '.join(found)}" if found else "the same"
            print(f"{name}: {len(first)} files, {told} ({time.monotonic() - began:.0f} s)", flush=True)
            shutil.rmtree(folder)
    return int(differ > 0)


if __name__ == "__main__":
    sys.exit(main())
