import pytest

from neurarium.checks import ConfigError
from neurarium.nets.connectionist.hopfield_load import load_curve
from neurarium.nets.connectionist.hopfield_theory import mean_field_overlap


def test_measured_overlaps_lie_on_the_mean_field_line_below_the_critical_load() -> None:
    for point in load_curve(500, [0.05, 0.1], trials=2, probes=40):
        assert point.overlap == pytest.approx(mean_field_overlap(point.load), abs=3e-3)


def test_beyond_it_the_overlap_falls_the_more_the_larger_the_net_but_not_to_zero() -> None:
    small, large = (load_curve(n, [0.25], trials=2, probes=20)[0] for n in (100, 500))
    assert 0.15 < large.overlap < small.overlap - 0.15
    assert large.exact == 0


def test_loads_become_whole_numbers_of_patterns() -> None:
    (point,) = load_curve(60, [0.33], trials=1, probes=3, storage="pseudo-inverse")
    assert (point.patterns, point.load, point.spread, point.exact) == (20, 1 / 3, 0.0, 1.0)


def test_bad_input() -> None:
    for loads, trials in (([], 0), ([0.0], 1), ([-0.1, 0.2], 1)):
        with pytest.raises(ConfigError, match="above 0"):
            load_curve(10, loads, trials=trials)
