import functools

from hypothesis import given
from hypothesis import strategies as st

from neurarium.learning.edit_distance import edit_distance

words = st.text("abc", max_size=7)


@functools.cache
def recursive(a: str, b: str) -> int:
    """The definition: change the first letters, or leave them where they are equal, and go on."""
    if not a or not b:
        return len(a) + len(b)
    return min(recursive(a[1:], b) + 1, recursive(a, b[1:]) + 1, recursive(a[1:], b[1:]) + (a[0] != b[0]))


@given(words, words)
def test_the_recursive_definition(a: str, b: str) -> None:
    assert edit_distance(a, b) == recursive(a, b)


@given(words, words, words)
def test_it_is_a_distance(a: str, b: str, c: str) -> None:
    assert edit_distance(a, b) == edit_distance(b, a)
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)
