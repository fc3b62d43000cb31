"""Backgrounds of composed pictures. Importing this package fills the table `surfaces.SURFACES`."""

from digitdet.synth.surfaces import panels, papers, places, textures  # noqa: F401  (they add their surfaces to the table)
