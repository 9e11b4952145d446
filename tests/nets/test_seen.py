from neurarium.nets.convolutional.receptive_field import ReceptiveField
from neurarium.nets.seen import Seen, plain, united

ONE = ReceptiveField()
H, W = frozenset([0]), frozenset([1])
IMAGE = Seen((ONE, ONE), ((), ((3, frozenset()),), ((4, H),), ((6, W),)))


def test_flattening_and_back_loses_nothing() -> None:
    flat = IMAGE.regrouped((1, 72))
    assert flat.axes([1]) == {0, 1}
    assert flat.regrouped((1, 3, 4, 6)) == IMAGE
    assert flat.regrouped((3, 24)).axes([0]) == frozenset()
    assert IMAGE.regrouped((3, 1, 4, 6, 1)).axes([3]) == W


def test_tearing_an_axis_apart_makes_it_unknown() -> None:
    torn = IMAGE.regrouped((1, 3, 2, 2, 6))
    assert torn.sights == ("unknown", ONE)
    assert IMAGE.regrouped((8, 9)).sights == ("unknown", "unknown")


def test_spreading_over_flattened_positions_sees_both_axes() -> None:
    assert IMAGE.regrouped((1, 72)).spread([1]).sights == ("all", "all")
    assert IMAGE.spread([1]).sights == (ONE, ONE)
    assert IMAGE.spread([3]).sights == (ONE, "all")


def test_union_broadcasts_and_all_wins() -> None:
    pooled = Seen(("all", "all"), plain((1, 3, 1, 1)))
    both = united([IMAGE, pooled], (1, 3, 4, 6))
    assert both.sights == ("all", "all")
    assert both.layout == IMAGE.layout
    other = Seen((ReceptiveField(jump=2), ReceptiveField(size=3, start=-1)), IMAGE.layout)
    assert united([IMAGE, other], (1, 3, 4, 6)).sights == ("unknown", ReceptiveField(size=3, start=-1))


def test_an_axis_forgotten_keeps_what_has_seen_all() -> None:
    assert IMAGE.spread([2]).forgotten((5,)) == Seen(("all", "unknown"), (((5, frozenset()),),))
