"""What the page offers is what the training side takes, and means the same by it."""

from dataclasses import fields

import pytest

from ml.config import TrainConfig, with_options
from training.choices import Kind
from training.options import INPUT_SIZES, NETWORKS, OPTIONS, chosen

DEFAULTS = TrainConfig()


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_an_option_is_one_of_the_training_side_with_its_default(option):
    assert option.name in {field.name for field in fields(TrainConfig)}
    assert getattr(DEFAULTS, option.name) == option.default
    assert option.low <= option.default <= option.high


@pytest.mark.parametrize("kind", Kind.values)
@pytest.mark.parametrize("network", list(NETWORKS))
def test_what_is_chosen_is_taken(kind, network):
    values = {option.name: option.default for option in OPTIONS}
    options = chosen(
        kind=kind, values=values, network=network, input_size=INPUT_SIZES[0], goes_on=False
    )
    config = with_options(DEFAULTS, options)
    assert config.levels == NETWORKS[network]
    assert config.input_size == INPUT_SIZES[0]
    assert config.tensorboard


def test_the_full_network_is_the_default_one():
    assert NETWORKS["full"] == DEFAULTS.levels
    assert DEFAULTS.input_size in INPUT_SIZES


def test_something_moves_in_a_short_network_that_is_fine_tuned():
    options = chosen(
        kind=Kind.FINE_TUNING, values={}, network="short", input_size=96, goes_on=False
    )
    assert options["frozen_through"] not in NETWORKS["short"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"speed": 1}, "speed", id="unknown"),
        pytest.param({"epochs": "many"}, "epochs is 'many', which is no int", id="kind"),
        pytest.param({"tensorboard": 1}, "tensorboard is 1, which is no bool", id="flag"),
    ],
)
def test_other_options_are_refused(options, words):
    with pytest.raises((TypeError, ValueError), match=words):
        with_options(DEFAULTS, options)


def test_whole_numbers_may_stand_for_others():
    assert with_options(DEFAULTS, {"learning_rate": 1}).learning_rate == 1.0
