import pytest

from digitdet.common.errors import ConfigError
from digitdet.configs import ReadConfig
from digitdet.configs.read import READ_OPTIONS
from digitdet.reading.check_digits import CHECKS
from digitdet.reading.constraints import Constraints
from digitdet.reading.options import parse_read_options
from digitdet.reading.regions import parse_region

OPTIONS = {option.name: option for option in READ_OPTIONS}


def test_choices_are_those_of_the_code():
    assert set(OPTIONS["check"].choices) == set(CHECKS)
    assert OPTIONS["rotate"].choices == ("auto", 0, 90, 180, 270)


def test_defaults_and_ranges_are_those_of_the_settings():
    assert OPTIONS["conf"].default == ReadConfig().confidence
    assert OPTIONS["digits"].default is None
    assert OPTIONS["digits_only"].default is False
    base, limits = OPTIONS["conf"].base_and_limits
    assert (base, limits.ge, limits.le) == (float, 0, 1)


def test_values_become_settings_constraints_and_regions():
    values = {"digits": "4-", "conf": 0.3, "rotate": 90, "region": ["a=0,0,9,9"], "min_confidence": None, "check": None}
    options = parse_read_options(values, ReadConfig(min_confidence=0.7, confidence=0.9))
    assert options.config == ReadConfig(min_confidence=0.7, confidence=0.3, rotate=90)
    assert options.constraints == Constraints(digits="4-")
    assert options.regions == (parse_region("a=0,0,9,9"),)
    assert parse_read_options({}, ReadConfig()).config == ReadConfig()


@pytest.mark.parametrize("values", [{"digits": "x"}, {"conf": 2}, {"region": ["1,2"]}, {"previous": "1"}])
def test_wrong_values_are_refused(values):
    with pytest.raises(ConfigError):
        parse_read_options(values, ReadConfig())
