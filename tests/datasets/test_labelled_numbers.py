from digitdet.datasets.labelled_numbers import numbers_of_digits


def test_digits_near_each_other_are_a_number():
    drums = [(10 + 30 * place, 10, 28 + 30 * place, 40) for place in range(3)]  # 12 px apart, 30 px high
    far = [(150, 12, 170, 42), (174, 12, 190, 42)]
    below = [(10, 80, 30, 110)]
    numbers = numbers_of_digits([6, 1, 2, 3, 4, 5], [*below, *drums, *far])
    assert [number.text for number in numbers] == ["123", "45", "6"]
    assert numbers[1].boxes == tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in far)
    assert numbers_of_digits([], []) == ()
