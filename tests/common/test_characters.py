import pytest

from digitdet.common.characters import BLANK, CHARACTERS, OTHER, SPACE, class_of


def test_every_character_has_its_own_class():
    assert [class_of(character) for character in CHARACTERS] == list(range(BLANK))
    assert CHARACTERS[:10] == "0123456789"
    assert CHARACTERS[SPACE] == " "


@pytest.mark.parametrize(
    ("characters", "expected"), [("\u2013\u2212", class_of("-")), ("k$%(\u00b3'\u0663", OTHER), ("7", 7)]
)
def test_classes_of_characters(characters, expected):
    assert {class_of(one) for one in characters} == {expected}
