"""Work shared out: the same bytes whoever does it, what dies is done again, and nothing stays behind."""

import pickle
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from chores import end, end_once, refuse, seen, wait
from siteplan.cli.hiring import hired
from siteplan.config import Rides
from siteplan.contours import isochrones
from siteplan.errors import InputError, StudyError, WorkerError
from siteplan.network.transit import build_timetable
from siteplan.parallel import ALIGNED, _Parcel, _pieces, _unpacked, cut, each
from siteplan.times import reach_totals, travel_times
from siteplan.workers import Workers
from test_times import a_town
from test_transit import HALF_HOURLY, along, road
from worlds import METRE_A_SECOND

BY_BUS = Rides(walk=METRE_A_SECOND, window=("08:11", "08:14"))
THERE_AND_BACK = BY_BUS.with_(back=("17:00", "17:05"))


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers(2) as pool:
        yield pool


def everything(executor: Executor | None, progress: Callable[[int, int], None] | None = None) -> list[pd.DataFrame]:
    """Return all that is searched or drawn on an executor, with sites and points on either side, with rides, too."""
    streets, sites, people = a_town()
    how: dict[str, Any] = {"executor": executor, "progress": progress}
    along_the_road = road()
    how_by_bus = {**how, "transit": build_timetable(HALF_HOURLY, along_the_road)}
    stops, homes = along(160, 4900), along(0, 50, 100, 150, 200, 2000).rename_axis("point")
    return [
        travel_times(streets, sites, people, mode="bike", **how),
        travel_times(streets, people, sites, **how),
        reach_totals(streets, sites, people, **how),
        reach_totals(streets, people, sites.assign(people=0.1), **how),
        travel_times(along_the_road, stops, homes, mode=BY_BUS, minutes=45, **how_by_bus),
        isochrones(streets, sites, mode="walk", minutes=[2, 5], **how).to_wkb(),
        isochrones(
            along_the_road, stops, mode=[BY_BUS, THERE_AND_BACK.with_(name="both")], minutes=[15, 45], **how_by_bus
        ).to_wkb(),
    ]


def same(found: list[pd.DataFrame], expected: list[pd.DataFrame]) -> None:
    for table, as_expected in zip(found, expected, strict=True):
        assert len(table)
        pd.testing.assert_frame_equal(table, as_expected, check_exact=True)


def test_processes_give_the_same_bytes_though_one_dies(workers: Workers) -> None:
    told: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        if len(told) in (1, 30):
            next(worker.process for worker in workers._all if worker.process).kill()
        told.append((done, total))

    same(everything(workers, progress), everything(None))
    assert told[-1] == (2, 2)
    assert len(told) > 30


def test_any_pool_of_processes_gives_the_same_bytes() -> None:
    streets, sites, people = a_town()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        far = travel_times(streets, sites, people, executor=pool)
        with pytest.raises(WorkerError, match=r"siteplan\.Workers replaces one"):
            each(end, [(0,)], executor=pool)
    pd.testing.assert_frame_equal(travel_times(streets, sites, people), far, check_exact=True)


class Plain(Executor):
    """An executor of which nothing is known: it sends everything away as bytes."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        with ThreadPoolExecutor(1) as pool:
            function, args, kwargs = pickle.loads(pickle.dumps((fn, args, kwargs)))
            return pool.submit(function, *args, **kwargs)


def test_an_unknown_executor_gives_the_same_bytes() -> None:
    same(everything(Plain()), everything(None))


# Units ----------------------------------------------------------------------------------------------------------------


def test_what_is_shared_goes_once_to_a_worker(workers: Workers) -> None:
    array = np.zeros(3, np.int64)
    found = each(seen, [(k,) for k in range(8)], shared=(array, []), executor=workers)
    assert [rooms[-1] for _, _, rooms, _ in found] == list(range(8))  # in the order of the calls
    for process in {each_of[0] for each_of in found}:
        own = [(count, len(rooms)) for pid, count, rooms, _ in found if pid == process]
        assert sorted(own) == [(k, k) for k in range(1, len(own) + 1)]  # kept from unit to unit
    assert array.tolist() == [0, 0, 0]


def test_a_worker_that_dies_costs_its_unit_and_no_more(workers: Workers, tmp_path: Path) -> None:
    assert each(end_once, [(k,) for k in range(6)], shared=(tmp_path,), executor=workers) == [0, 10, 20, 30, 40, 50]
    done = sorted(int(path.name.split("-")[0]) for path in tmp_path.iterdir())
    assert done == [0, 1, 1, 2, 3, 4, 5]


def test_a_unit_at_which_workers_always_die_is_one_clear_error(workers: Workers) -> None:
    with pytest.raises(WorkerError, match=r"ended 3 times at the same unit of work \(by signal 9\)"):
        each(end, [(0,)], executor=workers)
    assert each(abs, [(-1,)], executor=workers) == [1]  # the others go on


def test_an_error_of_a_unit_is_its_own(workers: Workers) -> None:
    with pytest.raises(InputError, match=r"^sites\.csv: row 3$"):
        each(refuse, [(k,) for k in range(6)], executor=workers)
    assert each(refuse, [(0,)], executor=workers) == [None]


def test_an_interruption_ends_the_processes_at_once() -> None:
    started = []

    def interrupt(done: int, total: int) -> None:
        started.extend(worker.process for worker in pool._all if worker.process)
        raise KeyboardInterrupt

    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt), Workers(1) as pool:
        each(wait, [(0,), (1,), (2,)], executor=pool, progress=interrupt)
    assert time.monotonic() - begin < 30
    assert [process.is_alive() for process in started] == [False]


def test_no_worker_is_no_pool() -> None:
    with pytest.raises(StudyError, match="workers: found 0, expected 1 or more"):
        Workers(0)
    with pytest.raises(StudyError, match="leave one of them out"), hired(2, "tcp://host:8786"):
        pass


def test_parts_are_even_and_whole() -> None:
    assert cut(5, 2) == [(0, 2), (2, 5)]
    assert cut(2, 64) == [(0, 1), (1, 2)]
    assert cut(0) == []


@pytest.mark.parametrize("way", ["file", "parcel"])
def test_arrays_arrive_as_they_were(way: str) -> None:
    fixed = np.arange(5.0)
    fixed.flags.writeable = False
    sent = (np.arange(7, dtype=np.int8), {"a": np.arange(6).reshape(2, 3)}, fixed, np.zeros(0), gpd.GeoDataFrame())
    if way == "file":
        found = _unpacked(bytearray(b"".join(_pieces(sent))))
    else:
        buffers: list[pickle.PickleBuffer] = []
        head = pickle.dumps(_Parcel(sent), protocol=5, buffer_callback=buffers.append)
        apart = memoryview(b"x" + buffers[0].raw())[1:]  # as frames arrive: anywhere, and not to be written to
        found = pickle.loads(head, buffers=[apart]).shared
    for before, after in ((sent[0], found[0]), (sent[1]["a"], found[1]["a"]), (fixed, found[2]), (sent[3], found[3])):
        assert after.dtype == before.dtype
        assert after.tolist() == before.tolist()
        assert after.flags.writeable == before.flags.writeable
        assert after.ctypes.data % 8 == 0
    assert ALIGNED % 8 == 0


# A cluster ------------------------------------------------------------------------------------------------------------


@contextmanager
def cluster(count: int) -> Iterator[Any]:
    """Give the client of a small cluster on this machine."""
    distributed = pytest.importorskip("distributed")
    how = {"n_workers": count, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**how) as here, distributed.Client(here, set_as_default=False) as client:
        yield client


@pytest.mark.filterwarnings("ignore")  # of a library that starts processes and sockets
def test_a_cluster_gives_the_same_bytes_though_a_worker_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with cluster(2) as client:
        executor = client.get_executor()
        same(everything(executor), everything(None))
        assert each(end_once, [(k,) for k in range(6)], shared=(tmp_path,), executor=executor)[1:3] == [10, 20]
        assert len(list(tmp_path.glob("1-*"))) == 2
        address = client.scheduler.address
        with hired(None, address) as pool:
            assert pool is not None
            assert each(abs, [(-1,)], executor=pool) == [1]
    monkeypatch.setattr("siteplan.cli.hiring.WAIT", 0.5)
    with pytest.raises(StudyError, match="no scheduler answers"), hired(None, "tcp://127.0.0.1:9"):
        pass
