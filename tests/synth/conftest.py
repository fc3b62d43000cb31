"""Composers of all presets, with tiny digits and few fonts."""

import pytest

from digitdet.configs import SynthConfig, load_preset
from digitdet.configs.base import preset_names
from digitdet.configs.look import LookConfig
from digitdet.synth.scene import SceneComposer

PRESETS = preset_names("synth")


@pytest.fixture(scope="module")
def materials(tiny_materials, few_fonts):
    """All sources of the presets."""
    looks = [look for name in PRESETS for look in load_preset(SynthConfig, "synth", name).looks.values()]
    names = sorted({source for look in looks for source in look.sources})
    everything = LookConfig(sources=dict.fromkeys(names, 1.0))
    return tiny_materials(SynthConfig(looks={"all": everything}, font_folders=(str(few_fonts),))).sources["train"]


@pytest.fixture(scope="module")
def composers(materials):
    return {name: SceneComposer(load_preset(SynthConfig, "synth", name), materials) for name in PRESETS}


@pytest.fixture(scope="module")
def make_composer(materials):
    """Return a function that makes a composer with one look, by default printed on a plain background."""

    def make(**look):
        plain = {"sources": {"fonts": 1.0}, "surfaces": {"plain": 1.0}, "blank_share": 0.0, **look}
        return SceneComposer(SynthConfig(looks={"mine": LookConfig(**plain)}), materials)

    return make
