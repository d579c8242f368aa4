"""A synthetic micrograph: image, exact mask, instances, label and the true geometry of every wire."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from nanomorph_training.kinds import DRAWN, FOREIGN, TWO_PHASES
from nanomorph_training.synthesis.bundle_shading import shade_bundle
from nanomorph_training.synthesis.bundles import Bundle
from nanomorph_training.synthesis.chains import Chain
from nanomorph_training.synthesis.close_ups import is_close_up, shade_close_up
from nanomorph_training.synthesis.dirt import draw_dirt
from nanomorph_training.synthesis.draws import Rng, log_uniform, smooth_noise
from nanomorph_training.synthesis.foreign import draw_foreign
from nanomorph_training.synthesis.optics import Optics, draw_optics, expose, record
from nanomorph_training.synthesis.outlines import ParticleLook, draw_particle_look, shade_particle
from nanomorph_training.synthesis.particles import Particle
from nanomorph_training.synthesis.raster import Footprint
from nanomorph_training.synthesis.scene import Object, Scene, Wishes, true_scene, wires_table
from nanomorph_training.synthesis.shading import Look, draw_look, shade_wire
from nanomorph_training.synthesis.textures import DARK_FROM, Texture


@dataclass(frozen=True, eq=False)
class SyntheticField:
    """One synthetic micrograph and everything that is true of it.

    image: uint8 or uint16 (H, W). mask: bool (H, W), exact. instances: int32 (H, W), wire ids, 0 background;
    where objects overlap the upper one's. label: one of DRAWN. wires: a row per visible object
    (WIRE_COLUMNS): `wire` is its id in `instances`, `axis` a float32 (N, 2) array of x and y in px (empty for a
    texture), lengths are those inside the field. optics: how it was recorded; of FOREIGN `jpeg` alone.
    """

    image: np.ndarray
    mask: np.ndarray
    instances: np.ndarray
    label: str
    nm_per_px: float
    wires: pd.DataFrame
    optics: Optics


def synthesize_field(label: str, seed: int, size: int | tuple[int, int] = 512, **overrides: Any) -> SyntheticField:
    """Draw one field of class `label`; the same arguments give the same bytes.

    size: side in px, or (height, width), at least 96. overrides: fields of Wishes.
    Raises ValueError for an unknown label, TypeError for an unknown override.
    """
    if label not in DRAWN:
        raise ValueError(f"unknown class {label!r}; there are {', '.join(DRAWN)}")
    shape = (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
    if min(shape) < 96:
        raise ValueError(f"a synthetic field has at least 96 px a side, not {shape}")
    wishes = Wishes(**overrides)
    rng = np.random.default_rng([seed, zlib.crc32(label.encode())])
    scene = true_scene(rng, label, shape, wishes)
    return _expose_scene(rng, label, shape, scene, wishes)


def _expose_scene(rng: Rng, label: str, shape: tuple[int, int], scene: Scene, wishes: Wishes) -> SyntheticField:
    thick = label in ("bundle", "particles") or any(_is_close_up(thing, shape) for thing in scene.objects)
    optics = draw_optics(rng, 20.0 if thick else _width_px(scene), wishes.polarity, wishes.contrast)
    if thick:
        optics = _for_thick_material(rng, optics, wishes)
    if label in TWO_PHASES:
        optics = _for_two_phases(optics, scene, wishes)
    density = _density(rng, shape, scene)
    film = draw_dirt(rng, shape, _particle_px(scene))
    film[scene.hidden] = 3.0
    gray = draw_foreign(rng, shape) if label == FOREIGN else scene.overlay.apply(expose(rng, density, film, optics))
    image = record(gray, wishes.bits, optics.jpeg)
    nm = scene.scale.nm_per_px
    return SyntheticField(image, scene.instances > 0, scene.instances, label, nm, wires_table(scene), optics)


def _for_thick_material(rng: Rng, optics: Optics, wishes: Wishes) -> Optics:
    """The beam meets that much more material than in a wire: more contrast, most of it amplitude contrast."""
    contrast = optics.contrast
    if wishes.contrast is None:
        contrast = min(contrast * log_uniform(rng, 1.5, 5), 30)
    return replace(optics, contrast=contrast, halo=min(optics.halo, 0.4))


def _for_two_phases(optics: Optics, scene: Scene, wishes: Wishes) -> Optics:
    """No film lies around them: edges must be seen, and which phase is the material is a convention (`textures`)."""
    contrast = optics.contrast if wishes.contrast is not None else max(optics.contrast, 2.0)
    dark = wishes.polarity is None and (scene.instances > 0).mean() > DARK_FROM
    return replace(optics, contrast=contrast, polarity=-1 if dark else optics.polarity)


def _width_px(scene: Scene) -> float:
    chains = [2 * np.median(thing.half_width) for thing in scene.objects if isinstance(thing, Chain)]
    textures = [thing.width_px for thing in scene.objects if isinstance(thing, Texture)]
    return float(np.median(chains or textures or [scene.scale.width_px]))


def _particle_px(scene: Scene) -> float | None:
    diameters = [2 * thing.radius for thing in scene.objects if isinstance(thing, Particle)]
    return float(np.median(diameters)) if diameters else None


def _density(rng: Rng, shape: tuple[int, int], scene: Scene) -> np.ndarray:
    """Material float32 (H, W) met by the beam: all objects, added up or hidden, with grain inside."""
    look, particle_look = draw_look(rng), draw_particle_look(rng)
    flat = np.zeros(shape[0] * shape[1], np.float32)
    for thing, footprint in zip(scene.objects, scene.footprints, strict=True):
        added = _shade(rng, thing, footprint, shape, look, particle_look)
        if look.opaque:
            flat[footprint.pixels] = np.where(footprint.inside, added, np.maximum(flat[footprint.pixels], added))
        else:
            flat[footprint.pixels] += added
    density = (1 - np.exp(-look.saturation * flat)) / np.float32(1 - np.exp(-look.saturation))
    if look.speckle:
        thin = all(isinstance(thing, Chain) and not is_close_up(thing, shape) for thing in scene.objects)
        depth = look.speckle * (1.0 if thin else 0.2)
        density *= np.clip(1 + depth * smooth_noise(rng, shape, look.speckle_px).ravel(), 0.1, 2.5)
    return density.reshape(shape)


def _is_close_up(thing: Object, shape: tuple[int, int]) -> bool:
    return isinstance(thing, Chain) and is_close_up(thing, shape)


def _shade(
    rng: Rng, thing: Object, footprint: Footprint, shape: tuple[int, int], look: Look, particle_look: ParticleLook
) -> np.ndarray:
    if _is_close_up(thing, shape) and len(footprint.pixels):
        return shade_close_up(rng, footprint, shape)
    if isinstance(thing, Chain):
        return shade_wire(rng, footprint, float(thing.arc[-1]), look)
    if isinstance(thing, Bundle):
        return shade_bundle(rng, footprint, thing) if len(footprint.pixels) else np.empty(0, np.float32)
    return shade_particle(rng, footprint, particle_look)
