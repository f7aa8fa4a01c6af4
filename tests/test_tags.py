"""Which way may be used by whom: the rules sentence by sentence."""

import pytest

from siteplan.network.tags import Access, bike_use, walk_use

NO, ENDS, PUSH, YES = Access.NO, Access.ENDS, Access.PUSH, Access.YES


def read(text: str) -> dict[str, str]:
    """Read 'highway=path foot=no' as tags."""
    return dict(pair.split("=") for pair in text.split())


ON_FOOT = {
    # The mode's own tag beats access.
    "highway=residential access=no": NO,
    "highway=residential access=no foot=yes": YES,
    "highway=residential access=private foot=permissive": YES,
    "highway=residential foot=no access=yes": NO,
    "highway=residential vehicle=no": YES,
    "highway=residential bicycle=no": YES,
    "highway=residential access=no bicycle=yes": NO,
    # At the ends of a trip only.
    "highway=service access=private": ENDS,
    "highway=service access=destination": ENDS,
    "highway=service access=customers": ENDS,
    "highway=service access=delivery": ENDS,
    "highway=service access=residents": ENDS,
    "highway=footway foot=private": ENDS,
    "highway=footway access=yes foot=destination": ENDS,
    # Everything from trunk down.
    **{
        f"highway={kind}": YES
        for kind in (
            "trunk primary secondary tertiary trunk_link primary_link secondary_link tertiary_link unclassified"
            " residential living_street pedestrian service track footway path steps corridor platform road busway"
        ).split()
    },
    "highway=motorway": NO,
    "highway=motorway_link": NO,
    "highway=motorway foot=yes": NO,
    "highway=construction": NO,
    "highway=construction foot=yes": NO,
    "highway=proposed": NO,
    "highway=raceway": NO,
    "highway=abandoned": NO,
    "highway=trunk motorroad=yes": NO,
    "highway=trunk motorroad=yes foot=yes": YES,
    "highway=trunk motorroad=yes access=yes": NO,
    "highway=nothing_known": NO,
    "highway=footway foot=no": NO,
    "highway=path foot=use_sidepath": NO,
    # Cycleways and bridleways when foot is yes, designated or permissive.
    "highway=cycleway": NO,
    "highway=cycleway access=yes": NO,
    "highway=cycleway foot=yes": YES,
    "highway=cycleway foot=designated": YES,
    "highway=cycleway foot=permissive": YES,
    "highway=cycleway foot=no": NO,
    "highway=bridleway": NO,
    "highway=bridleway foot=yes": YES,
    # sidewalk=separate does not remove a road unless both sides are.
    "highway=primary sidewalk=separate": YES,
    "highway=primary sidewalk:left=separate": YES,
    "highway=primary sidewalk:left=separate sidewalk:right=no": YES,
    "highway=primary sidewalk:both=separate": NO,
    "highway=primary sidewalk:left=separate sidewalk:right=separate": NO,
    "highway=primary sidewalk:both=separate foot=yes": YES,
    # Barriers at nodes.
    "highway=barrier barrier=gate": YES,
    "highway=barrier barrier=stile": YES,
    "highway=barrier barrier=full-height_turnstile": YES,
    "highway=barrier barrier=wall": NO,
    "highway=barrier barrier=fence access=yes": NO,  # a general tag opens nothing that its kind closes
    "highway=barrier barrier=fence foot=yes": YES,
    "highway=barrier barrier=gate access=no": NO,
    "highway=barrier barrier=gate access=private": ENDS,
    "highway=barrier barrier=gate access=private foot=yes": YES,
    "highway=barrier barrier=gate locked=yes": NO,
    "highway=barrier barrier=gate locked=yes foot=yes": YES,
    "highway=barrier barrier=gate locked=yes access=private": NO,
    "highway=barrier barrier=bollard bicycle=no": YES,
    # A value nobody knows says nothing.
    "highway=residential access=maybe": YES,
    "highway=residential foot=maybe access=no": NO,
}


@pytest.mark.parametrize(("text", "access"), ON_FOOT.items())
def test_on_foot(text: str, access: Access) -> None:
    use = walk_use(read(text))
    assert (use.forward, use.backward) == (access, access)


@pytest.mark.parametrize(
    ("text", "forward", "backward"),
    [
        ("highway=residential oneway=yes", YES, YES),
        ("highway=residential oneway=-1", YES, YES),
        ("highway=residential junction=roundabout", YES, YES),
        ("highway=footway oneway:foot=yes", YES, NO),
        ("highway=footway oneway:foot=-1", NO, YES),
        ("highway=footway oneway:foot=no oneway=yes", YES, YES),
        ("highway=footway foot:backward=no", YES, NO),
        ("highway=service access=private oneway:foot=yes", ENDS, NO),
    ],
)
def test_directions_on_foot(text: str, forward: Access, backward: Access) -> None:
    use = walk_use(read(text))
    assert (use.forward, use.backward) == (forward, backward)


def test_what_moves_runs_one_way_and_carries_at_its_own_speed() -> None:
    up = walk_use(read("highway=steps conveying=forward"))
    assert (up.forward, up.backward, up.stairs, up.kmh) == (YES, NO, False, 1.6)
    down = walk_use(read("highway=steps conveying=backward"))
    assert (down.forward, down.backward) == (NO, YES)
    assert walk_use(read("highway=steps conveying=reversible")).backward is YES  # nobody knows which way
    assert walk_use(read("highway=steps conveying=no")).stairs
    belt = walk_use(read("highway=footway conveying=forward"))
    assert (belt.forward, belt.backward, belt.kmh) == (YES, NO, 0)  # one walks on it
    assert walk_use(read("highway=ferry kmh=12.5")).kmh == bike_use(read("highway=ferry kmh=12.5")).kmh == 12.5
    assert walk_use(read("highway=ferry")).kmh == 5
    assert walk_use(read("highway=elevator")).pause == bike_use(read("highway=elevator bicycle=yes")).pause == 60


def test_only_steps_are_stairs() -> None:
    assert walk_use({"highway": "steps"}).stairs
    assert not walk_use({"highway": "footway"}).stairs


# Riding forward and backward; then the same for someone ready to push.
BY_BIKE = {
    "highway=residential": (YES, YES, YES, YES),
    "highway=trunk": (YES, YES, YES, YES),
    "highway=cycleway": (YES, YES, YES, YES),
    "highway=path": (YES, YES, YES, YES),
    "highway=track": (YES, YES, YES, YES),
    "highway=motorway": (NO, NO, NO, NO),
    "highway=motorway bicycle=yes": (NO, NO, NO, NO),
    "highway=trunk motorroad=yes": (NO, NO, NO, NO),
    "highway=bridleway": (NO, NO, NO, NO),
    "highway=bridleway bicycle=yes": (YES, YES, YES, YES),
    # Steps never; footways only when bicycle says so, or pushed.
    "highway=steps": (NO, NO, NO, NO),
    "highway=steps bicycle=yes": (NO, NO, NO, NO),
    "highway=footway": (NO, NO, PUSH, PUSH),
    "highway=pedestrian": (NO, NO, PUSH, PUSH),
    "highway=footway bicycle=yes": (YES, YES, YES, YES),
    "highway=footway bicycle=designated": (YES, YES, YES, YES),
    "highway=footway access=yes": (NO, NO, PUSH, PUSH),
    "highway=footway bicycle=private": (ENDS, ENDS, ENDS, ENDS),
    "highway=footway access=private": (NO, NO, NO, NO),
    "highway=footway foot=no": (NO, NO, NO, NO),
    # bicycle=no|use_sidepath|dismount
    "highway=residential bicycle=no": (NO, NO, PUSH, PUSH),
    "highway=primary bicycle=use_sidepath": (NO, NO, PUSH, PUSH),
    "highway=residential bicycle=dismount": (PUSH, PUSH, PUSH, PUSH),
    "highway=footway bicycle=dismount": (PUSH, PUSH, PUSH, PUSH),
    "highway=primary bicycle=no foot=no": (NO, NO, NO, NO),
    # The own tag beats vehicle, which beats access.
    "highway=residential access=no bicycle=yes": (YES, YES, YES, YES),
    "highway=residential vehicle=no": (NO, NO, PUSH, PUSH),
    "highway=residential vehicle=no bicycle=yes": (YES, YES, YES, YES),
    "highway=residential access=no vehicle=yes": (YES, YES, YES, YES),
    "highway=residential access=no foot=yes": (NO, NO, PUSH, PUSH),
    "highway=residential access=destination": (ENDS, ENDS, ENDS, ENDS),
    "highway=residential vehicle=private": (ENDS, ENDS, ENDS, ENDS),
    # One-way streets, contraflow and roundabouts.
    "highway=residential oneway=yes": (YES, NO, YES, PUSH),
    "highway=residential oneway=true": (YES, NO, YES, PUSH),
    "highway=residential oneway=1": (YES, NO, YES, PUSH),
    "highway=residential oneway=-1": (NO, YES, PUSH, YES),
    "highway=residential oneway=reverse": (NO, YES, PUSH, YES),
    "highway=residential oneway=no": (YES, YES, YES, YES),
    "highway=residential oneway=yes oneway:bicycle=no": (YES, YES, YES, YES),
    "highway=residential oneway:bicycle=yes": (YES, NO, YES, PUSH),
    # A key of one direction beats the same key of both, and opens a one-way street.
    "highway=residential oneway=yes bicycle:backward=yes": (YES, YES, YES, YES),
    "highway=residential oneway=-1 bicycle:forward=yes": (YES, YES, YES, YES),
    "highway=residential vehicle:backward=no": (YES, NO, YES, PUSH),
    "highway=residential vehicle:backward=no bicycle=yes": (YES, YES, YES, YES),
    "highway=residential access:forward=no": (NO, YES, NO, YES),
    "highway=residential bicycle:forward=no": (NO, YES, PUSH, YES),
    "highway=residential bicycle:backward=private": (YES, ENDS, YES, ENDS),
    "highway=footway bicycle:forward=yes": (YES, NO, YES, PUSH),
    # A lane or track beside a one-way street opens it only if it runs the other way.
    "highway=residential oneway=-1 cycleway:right=track cycleway:right:oneway=-1": (NO, YES, PUSH, YES),
    "highway=residential oneway=-1 cycleway:right=track cycleway:right:oneway=yes": (YES, YES, YES, YES),
    "highway=residential oneway=yes cycleway:left:oneway=yes": (YES, NO, YES, PUSH),
    # Ferries carry bicycles unless they say no; lifts carry those who push.
    "highway=ferry": (YES, YES, YES, YES),
    "highway=ferry bicycle=no": (NO, NO, PUSH, PUSH),
    "highway=ferry access=no": (NO, NO, NO, NO),
    "highway=elevator": (NO, NO, PUSH, PUSH),
    "highway=elevator bicycle=yes": (YES, YES, YES, YES),
    "highway=residential oneway=yes oneway:bicycle=-1": (NO, YES, PUSH, YES),
    "highway=residential oneway=yes cycleway=opposite": (YES, YES, YES, YES),
    "highway=residential oneway=yes cycleway=opposite_lane": (YES, YES, YES, YES),
    "highway=residential oneway=yes cycleway:left=opposite_track": (YES, YES, YES, YES),
    "highway=residential oneway=yes cycleway:right=opposite_lane": (YES, YES, YES, YES),
    "highway=residential oneway=yes cycleway:left:oneway=-1": (YES, YES, YES, YES),
    "highway=residential oneway=yes cycleway=lane": (YES, NO, YES, PUSH),
    "highway=residential oneway=yes cycleway=opposite oneway:bicycle=yes": (YES, NO, YES, PUSH),
    "highway=residential junction=roundabout": (YES, NO, YES, PUSH),
    "highway=residential junction=circular": (YES, NO, YES, PUSH),
    "highway=residential junction=roundabout oneway=no": (YES, YES, YES, YES),
    "highway=service access=private oneway=yes": (ENDS, NO, ENDS, NO),
    "highway=cycleway oneway=yes": (YES, NO, YES, NO),
    "highway=cycleway oneway=yes foot=yes": (YES, NO, YES, PUSH),
    "highway=primary oneway=yes foot=no": (YES, NO, YES, NO),
    # Barriers at nodes: no bicycle is lifted over a stile or pushed through a turnstile.
    "highway=barrier barrier=gate": (YES, YES, YES, YES),
    "highway=barrier barrier=bollard": (YES, YES, YES, YES),
    "highway=barrier barrier=cycle_barrier": (YES, YES, YES, YES),
    "highway=barrier barrier=stile": (NO, NO, NO, NO),
    "highway=barrier barrier=stile bicycle=yes": (YES, YES, YES, YES),
    "highway=barrier barrier=turnstile": (NO, NO, NO, NO),
    "highway=barrier barrier=kissing_gate": (NO, NO, PUSH, PUSH),
    "highway=barrier barrier=gate bicycle=dismount": (PUSH, PUSH, PUSH, PUSH),
    "highway=barrier barrier=gate bicycle=no": (NO, NO, PUSH, PUSH),
    "highway=barrier barrier=gate access=private": (ENDS, ENDS, ENDS, ENDS),
    "highway=barrier barrier=gate access=no": (NO, NO, NO, NO),
    "highway=barrier barrier=gate vehicle=no": (NO, NO, PUSH, PUSH),
    "highway=barrier barrier=wall": (NO, NO, NO, NO),
    "highway=elevator node=yes": (NO, NO, PUSH, PUSH),
}


@pytest.mark.parametrize(("text", "uses"), BY_BIKE.items())
def test_by_bicycle(text: str, uses: tuple[Access, Access, Access, Access]) -> None:
    ride, push = bike_use(read(text)), bike_use(read(text), push=True)
    assert (ride.forward, ride.backward, push.forward, push.backward) == uses
