import numpy as np
import pytest

from neurarium.report.tasks.classification import (
    answers,
    headline,
    mistakes,
    outcome,
    sections,
    tell_accuracy,
    tell_mistakes,
)


def plain(made, confusion, classes):
    return made.scores_from(confusion, classes).to_plain()


def test_the_accuracy_comes_with_its_interval(made):
    found = plain(made, [[250, 10], [6, 234]], ("a", "b"))
    words = tell_accuracy(found)
    assert "Of the 500 test examples it answered 484 right, 96.8 %" in words
    assert "between 94.9 % and 98.0 %" in words  # by scipy.stats.binomtest(484, 500)
    page = headline(found).replace("\xa0", " ")
    assert '<span class="big">96.8 %</span>' in page
    assert "test accuracy: 484 of 500 right" in page
    assert "95 % interval 94.9 % to 98.0 %" in page
    assert '<b style="left:96.80%"></b>' in page


def test_the_outcome_is_a_line(made):
    assert outcome(plain(made, [[250, 10], [6, 234]], ("a", "b"))) == (
        "Test accuracy 0.9680 on toy (16 of 500 wrong; always the most frequent class: 52.0 %)"
    )


def test_most_confused_pair_and_hardest_class(made):
    told = " ".join(tell_mistakes(plain(made, [[90, 3, 7], [2, 98, 0], [4, 0, 96]], ("cat", "dog", "owl"))))
    assert "“cat” was taken for “owl”: 7 of 100 times." in told
    assert "hardest class was “cat”, of which it knew 90 %" in told
    assert tell_mistakes(plain(made, [[5, 0], [0, 5]], ("a", "b"))) == ["It made no mistake."]


def test_a_class_without_examples_is_not_the_hardest(made):
    told = " ".join(tell_mistakes(plain(made, [[9, 1, 0, 0], [0, 8, 2, 0], [0, 0, 7, 3], [0] * 4], tuple("abcd"))))
    assert "hardest class was “c”" in told


def test_equally_confused_pairs_are_told(made):
    told = " ".join(tell_mistakes(plain(made, [[8, 2], [2, 8]], ("a", "b"))))
    assert "2 of 10 times, as often as 1 other pair of classes." in told


def test_few_classes_have_the_matrix_as_a_table(made):
    found = plain(made, [[1200, 0], [3, 7]], ("cat", "giraffe"))
    page = answers(found, b"png").body
    assert "<img" not in page
    assert '<th scope="row">giraffe</th><td class="wrong" style="--fraction:0.548">3</td>' in page
    assert '<td class="right" style="--fraction:1.000">1,200</td><td></td>' in page
    assert 'class="turned"' in page


@pytest.mark.parametrize("count", [15, 16, 21])
def test_many_classes_have_it_as_a_picture_and_very_many_a_folded_table(made, count):
    found = plain(made, np.eye(count, dtype=int), tuple(f"c{k}" for k in range(count)))
    page = answers(found, b"png").body
    assert ('class="matrix"' in page) == (count <= 15)
    assert ("<img" in page) == (count > 15)
    assert ("<details>" in page) == (count > 20)
    assert "<img" not in answers(found, None).body


def test_mistakes_are_a_table_and_a_picture_where_there_is_one(made):
    found = made.scores(made.digits, 500, 0.968).to_plain()
    worst = found["mistakes"][0]
    page = mistakes(found, b"png").body
    assert f"said {worst['predicted']}, is {worst['truth']}; " in page
    assert page.count("<tr>") == 17
    assert "<details>" in page
    assert "<img" not in mistakes(found, None).body
    assert mistakes(plain(made, [[5, 0], [0, 5]], ("a", "b")), b"png") is None


def test_pictures_are_asked_for_by_the_names_of_their_figures(made):
    found, asked = made.scores(made.digits, 500, 0.968).to_plain(), []
    made_of = sections(found, lambda name: asked.append(name))
    assert asked == ["confusion", "mistakes"]
    assert [section.link for section in made_of] == ["Scores", "Answers", "Mistakes"]
