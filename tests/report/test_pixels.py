import numpy as np

from neurarium.report.pixels import as_image


def test_values_are_stretched_between_black_and_white() -> None:
    values = np.array([[[-1.0, 0.0], [1.0, 3.0]]])
    np.testing.assert_allclose(as_image(values, (0.0, 2.0)), [[0.0, 0.0], [0.5, 1.0]])


def test_without_ends_bytes_have_theirs_and_other_numbers_their_extremes() -> None:
    np.testing.assert_allclose(as_image(np.array([[[51, 102]]], dtype=np.uint8)), [[0.2, 0.4]])
    np.testing.assert_allclose(as_image(np.array([[[-1.0, 0.0], [1.0, 3.0]]])), [[0.0, 0.25], [0.5, 1.0]])
    np.testing.assert_array_equal(as_image(np.full((1, 2, 2), 7.0)), np.zeros((2, 2)))


def test_colors_come_last_and_of_two_channels_the_first_is_shown() -> None:
    color = np.arange(12.0).reshape(3, 2, 2)
    np.testing.assert_allclose(as_image(color, (0.0, 11.0)), color.transpose(1, 2, 0) / 11)
    np.testing.assert_allclose(as_image(np.array([[[255]], [[0]]], dtype=np.uint8)), [[1.0]])
