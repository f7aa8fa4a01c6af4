"""Who does the work of a command: threads, processes on this machine, or a cluster."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import Executor
from typing import Annotated, Any

import typer

from siteplan.errors import StudyError

__all__ = ["Cluster", "Processes", "hired"]

WAIT = 10  # seconds for a scheduler to answer

Processes = Annotated[
    int | None, typer.Option("--workers", min=1, help="Search in so many processes. [threads on all cores]")
]
Cluster = Annotated[
    str | None,
    typer.Option("--cluster", metavar="ADDRESS", help="Search on a Dask cluster, such as tcp://host:8786."),
]


@contextlib.contextmanager
def hired(workers: int | None, cluster: str | None) -> Iterator[Executor | None]:
    """Give the executor that is asked for: so many processes, or the cluster of an address; None for neither.

    Raises
    ------
    StudyError
        Both; no address of a scheduler, or none that answers; Dask not installed.
    """
    if workers is not None and cluster is not None:
        raise StudyError(
            "--workers and --cluster: found both; the work is done here or there, so leave one of them out"
        )
    if workers is not None:
        from siteplan.workers import Workers

        with Workers(workers) as pool:
            yield pool
    elif cluster is not None:
        with _client(cluster) as client:
            yield client.get_executor()
    else:
        yield None


def _client(address: str) -> Any:
    """Connect to the scheduler of a Dask cluster."""
    try:
        import distributed
    except ImportError:
        raise StudyError("--cluster: needs Dask; install siteplan[cluster], here and on the workers") from None
    connect: Any = distributed.Client
    try:
        return connect(address, timeout=WAIT, set_as_default=False)
    except (OSError, ValueError) as error:  # its TimeoutError is an OSError
        raise StudyError(
            f"--cluster {address}: no scheduler answers there ({error}); expected an address such as "
            "tcp://host:8786, which dask scheduler prints"
        ) from None
