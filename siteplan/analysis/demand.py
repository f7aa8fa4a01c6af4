"""How many desks: from workers at home to people on the fullest day, with the chance that somebody finds none.

The chain is workers x teleworkable x uptake x days / 5 = people on a mean day; x peak = on the fullest weekday;
/ occupancy, rounded up = desks. Uptake, the share of those who can that would come, has no default: no figure for it
has been published. Tables should show it at 2, 5 and 10 %.

Around the mean of the fullest day the number present is taken as binomial: each of the workers whose job allows it is
there with the chance uptake x days / 5 x peak, whatever the others do. People who choose the same days for a reason
(weather, a strike, a team's day) make the spread wider than that, so the chances are the least to plan for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf

import numpy as np
import pandas as pd

from siteplan.analysis.reach import check_limits
from siteplan.doors import door
from siteplan.errors import InputError, StudyError
from siteplan.reachable import Floats, Ints, Reach, sums

__all__ = ["UPTAKES", "DeskNeed", "chance_of_no_desk", "desk_table", "desks_for_chance", "share_desks", "weekdays"]

UPTAKES = (0.02, 0.05, 0.10)  # what a report shows side by side


@dataclass(frozen=True)
class DeskNeed:
    """What turns workers into desks; every share is 0 to 1.

    teleworkable  workers whose job can be done at a distance (Dingel & Neiman 2020; JRC 2020: 37 % in the EU-27)
    days          days a week at the telecentre, of those who come (Insee Analyses 105, 2025)
    peak          fullest weekday over mean weekday (derived: presence of 27 to 51 % by weekday)
    occupancy     share of the desks in use when the place counts as full (practice of flexible offices: 0.7 to 0.8)
    desk_m2       floor area per desk, all included (Deskmag 2025)
    desks_a_room  desks to one meeting room
    """

    teleworkable: float = 0.37
    days: float = 2.0
    peak: float = 1.3
    occupancy: float = 0.8
    desk_m2: float = 12.5
    desks_a_room: float = 12.0

    def __post_init__(self) -> None:
        bounds = {"teleworkable": (0, 1), "days": (0, 5), "peak": (1, 5), "occupancy": (0, 1)}
        for name, (least, most) in bounds.items():
            value = getattr(self, name)
            if not least <= value <= most or value == 0:
                raise StudyError(f"demand: {name} is {value:g}, expected more than 0 and {least} to {most}")
        for name in ("desk_m2", "desks_a_room"):
            if not 0 < getattr(self, name) < inf:
                raise StudyError(f"demand: {name} is {getattr(self, name):g}, expected more than 0")

    def chance(self, uptake: float) -> float:
        """Return the chance that a worker whose job allows it is there on the fullest day."""
        if not 0 < uptake <= 1:
            raise StudyError(f"demand: uptake is {uptake:g}, expected a share above 0 and up to 1, such as 0.05")
        chance = uptake * self.days / 5 * self.peak
        if chance > 1:
            raise StudyError(
                f"demand: uptake {uptake:g}, {self.days:g} days and a peak of {self.peak:g} put more people on the "
                "fullest day than there are; lower one of them"
            )
        return chance


@door()
def desk_table(
    workers: pd.Series | Mapping[str, float],
    *,
    uptakes: Sequence[float],
    need: DeskNeed | None = None,
    chances: Sequence[float] = (0.05, 0.01),
) -> pd.DataFrame:
    """Tell how many desks, rooms and square metres each site needs.

    Parameters
    ----------
    workers
        Workers in reach of each site, such as a column of `reach` or of `added`.
    uptakes
        Share of those who can work at a distance that would come; no default. `UPTAKES` are 2, 5 and 10 %.
    need
        The other shares; None takes the defaults.
    chances
        For each, the least number of desks with which somebody finds none on the fullest day at most so often.

    Returns
    -------
    One row per site and uptake: `site`, `uptake`, `workers`, `teleworkers`, `comers` (who come at all), `mean_day`,
    `peak_day` (people), `desks`, `rooms`, `m2`, `chance_of_no_desk` (with so many desks, on the fullest day), and
    `desks_at_<chance>` for each chance.

    Raises
    ------
    InputError
        For workers that are not numbers of 0 or more.
    StudyError
        For shares out of their bounds.

    Examples
    --------
    >>> sp.desk_table({"S01": 4500, "S02": 3000}, uptakes=[0.05])[["comers", "peak_day", "desks"]]
       comers  peak_day  desks
    0   83.25     43.29     55
    1   55.50     28.86     37
    """
    need = need or DeskNeed()
    if not uptakes:
        raise StudyError(
            "demand: no uptake; give the share of those who can that would come, such as [0.02, 0.05, 0.1]"
        )
    records = []
    for site, count in pd.Series(workers, dtype=np.float64).items():
        if not 0 <= count < inf:
            raise InputError(f"workers: site '{site}' has {count:g}, expected 0 or more")
        for uptake in uptakes:
            chance = need.chance(uptake)
            able = count * need.teleworkable
            # A rounding of the last bit must not build a desk.
            desks = ceil(round(able * chance / need.occupancy, 9))
            record = {
                "site": site,
                "uptake": uptake,
                "workers": count,
                "teleworkers": able,
                "comers": able * uptake,
                "mean_day": able * uptake * need.days / 5,
                "peak_day": able * chance,
                "desks": desks,
                "rooms": ceil(desks / need.desks_a_room),
                "m2": desks * need.desk_m2,
                "chance_of_no_desk": chance_of_no_desk(able, chance, desks),
            }
            records.append(record | {f"desks_at_{most:g}": desks_for_chance(able, chance, most) for most in chances})
    return pd.DataFrame(records)


@door()
def chance_of_no_desk(teleworkers: float, chance: float, desks: int) -> float:
    """Return how likely more people come than there are desks.

    Parameters
    ----------
    teleworkers
        How many could come, rounded to whole people.
    chance
        That one of them is there, independently of the others.
    desks
        How many desks there are.

    Raises
    ------
    StudyError
        For numbers below 0 and a chance that is not 0 to 1.

    Examples
    --------
    >>> round(sp.chance_of_no_desk(teleworkers=400, chance=0.05, desks=24), 3)
    0.151
    """
    if teleworkers < 0 or desks < 0 or not 0 <= chance <= 1:
        raise StudyError(
            f"demand: {teleworkers:g} people, chance {chance:g}, {desks} desks; expected 0 or more, a chance of 0 to 1"
        )
    return _chance(round(teleworkers), chance, desks)


def _chance(people: int, chance: float, desks: int) -> float:
    from scipy.special import bdtrc

    return 0.0 if desks >= people else float(bdtrc(float(desks), people, chance))


@door()
def desks_for_chance(teleworkers: float, chance: float, most: float) -> int:
    """Return the least number of desks with which somebody finds none with a chance of at most `most`.

    Raises
    ------
    StudyError
        As for `chance_of_no_desk`, and for a `most` that is not above 0 and below 1.

    Examples
    --------
    >>> sp.desks_for_chance(teleworkers=400, chance=0.05, most=0.05)
    27
    """
    if not 0 < most < 1:
        raise StudyError(f"demand: a chance of {most:g}, expected more than 0 and less than 1, such as 0.05")
    chance_of_no_desk(teleworkers, chance, 0)  # which refuses what is no question
    people = round(teleworkers)
    few, many = -1, people  # with `many` desks nobody goes without
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if _chance(people, chance, middle) <= most else (middle, many)
    return max(many, 0)


@door()
def weekdays(mean_day: float, *, peak: float = 1.3, profile: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Spread a mean weekday over the week.

    Parameters
    ----------
    mean_day
        People on a mean weekday.
    peak
        The fullest day over the mean, the other four alike; used where no profile is given.
    profile
        What each of the five weekdays has to the others, in any unit, such as desks booked.

    Returns
    -------
    Columns `day`, `of_mean` (1 is a mean day), `people`; the week sums to five mean days.

    Raises
    ------
    StudyError
        For a profile that is not five numbers of 0 or more, or a peak that is not 1 to 5.

    Examples
    --------
    >>> sp.weekdays(40, profile={"Mon": 8, "Tue": 11, "Wed": 10, "Thu": 12, "Fri": 9})
       day  of_mean  people
    0  Mon      0.8    32.0
    1  Tue      1.1    44.0
    2  Wed      1.0    40.0
    3  Thu      1.2    48.0
    4  Fri      0.9    36.0
    """
    if profile is None:
        if not 1 <= peak <= 5:
            raise StudyError(f"demand: peak is {peak:g}, expected 1 to 5")
        profile = {"fullest day": peak, **{f"other day {number}": (5 - peak) / 4 for number in (1, 2, 3, 4)}}
    weights = np.array(list(profile.values()), dtype=np.float64)
    if len(weights) != 5 or not (weights >= 0).all() or not 0 < weights.sum() < inf:
        raise StudyError(f"demand: profile {dict(profile)}, expected five weekdays, each 0 or more")
    of_mean = weights / weights.mean()
    return pd.DataFrame({"day": list(profile), "of_mean": of_mean, "people": mean_day * of_mean})


@door()
def share_desks(
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None,
    desks: pd.Series,
    *,
    uptake: float,
    need: DeskNeed | None = None,
    minutes: float = 15,
    mode: str | None = None,
    group: str = "people",
) -> pd.DataFrame:
    """Seat the people of a mean fullest day, who go to the next site when the nearest is full.

    All go to their nearest site within the limit at once; where more come than there are desks, all of them get the
    same part of these, and the rest goes on to its second nearest, and so on.

    Parameters
    ----------
    times, people
        As for `reach`.
    desks
        Desks by site; sites of the times that are not in it are closed.
    uptake, need
        As for `desk_table`; each person of the group counts teleworkable x uptake x days / 5 x peak.
    minutes, mode
        How far people go; a mode of the table, or `best`, which None takes of several.
    group
        Who works: `people` or, better, a group such as `workers`.

    Returns
    -------
    Index `site`. Columns `desks`, `wanted` (this is their nearest), `seated`, `from_others` (of these, those whose
    nearest is another), `sent_on` (of those wanted, seated elsewhere), `left_out` (of those wanted, seated nowhere).
    wanted = seated - from_others + sent_on + left_out.

    Raises
    ------
    InputError
        As for `reach`, for desks of unknown sites or below 0.
    StudyError
        For a limit of 0 or less, an unknown mode, or shares out of their bounds.

    Examples
    --------
    >>> two = sites.loc[["S01", "S02"]]
    >>> walks = sp.travel_times(streets, two, people, mode="walk", minutes=15)
    >>> seats = sp.share_desks(walks, people, two["capacity"], uptake=0.06, group="workers")
    >>> seats[["wanted", "seated", "left_out"]].round(1)
          wanted  seated  left_out
    site
    S01     48.2    40.0       8.2
    S02     28.8    24.0       4.8
    """
    need = need or DeskNeed()
    (limit,) = check_limits([minutes])
    asked = Reach.of(times, people)
    amount = asked.people.amount(group)
    chosen = asked.chosen_mode(mode, "share_desks")
    room = _room(asked.sites, desks)
    pairs, turn = asked.within(chosen, limit, ~np.isnan(room)).in_turn()
    site, point = pairs.site, pairs.point
    nearest = np.full(len(asked.points), -1, dtype=np.int64)
    nearest[point[turn == 0]] = site[turn == 0]
    standing = amount * need.teleworkable * need.chance(uptake)
    count = len(room)
    wanted = _at(nearest, standing, count)
    spare, seated, own = np.nan_to_num(room), np.zeros(count), np.zeros(count)
    for number in range(int(turn.max(initial=-1)) + 1):
        now = turn == number
        here, who = site[now], point[now]
        come = sums(here, standing[who], count)
        part = np.minimum(1.0, np.divide(spare, come, out=np.ones(count), where=come > 0))
        sit = standing[who] * part[here]
        seats = sums(here, sit, count)
        spare, seated = np.maximum(spare - seats, 0.0), seated + seats
        own += seats if number == 0 else 0.0
        standing[who] = standing[who] - sit
    left = _at(nearest, standing, count)
    table = pd.DataFrame(
        {
            "desks": room,
            "wanted": wanted,
            "seated": seated,
            "from_others": seated - own,
            "sent_on": wanted - own - left,
            "left_out": left,
        },
        index=asked.sites,
    )
    return table[table["desks"].notna()]


def _at(nearest: Ints, amount: Floats, count: int) -> Floats:
    some = nearest >= 0
    return sums(nearest[some], amount[some], count)


def _room(labels: pd.Index, desks: pd.Series) -> Floats:
    unknown = desks.index.difference(labels)
    if len(unknown):
        raise InputError(f"desks: {len(unknown):,} sites are not in the times, first '{unknown[0]}'")
    room: Floats = desks.reindex(labels).to_numpy(dtype=np.float64)
    if (room < 0).any():
        raise InputError(
            f"desks: site '{labels[int((room < 0).argmax())]}' has {np.nanmin(room):g}, expected 0 or more"
        )
    return room
