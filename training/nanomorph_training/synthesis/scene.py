"""What lies in a field and where, drawn again until the field deserves its label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nanomorph_training.kinds import EMPTY, FOREIGN
from nanomorph_training.synthesis import layouts, truth
from nanomorph_training.synthesis.annotations import Overlay, draw_annotations
from nanomorph_training.synthesis.bundles import Bundle, bundle_footprint, draw_bundles
from nanomorph_training.synthesis.chains import Chain
from nanomorph_training.synthesis.dirt import draw_grid_edge
from nanomorph_training.synthesis.draws import Rng
from nanomorph_training.synthesis.grids import draw_grid
from nanomorph_training.synthesis.outlines import particle_footprint
from nanomorph_training.synthesis.particles import Particle, draw_particles
from nanomorph_training.synthesis.raster import Footprint, Raster
from nanomorph_training.synthesis.textures import Texture, draw_texture, texture_footprint

ATTEMPTS = 60

WIRE_COLUMNS = (
    "wire", "kind", "width_px", "width_nm", "length_px", "length_nm", "persistence_px", "taper", "visible_px",
    "axis",
)  # fmt: skip

Object = Chain | Bundle | Particle | Texture


@dataclass(frozen=True)
class Wishes:
    """What a caller may fix; None is drawn.

    nm_per_px; width_nm: typical width of a wire (of a particle), or width_px: its least and most; polarity: -1 dark
    on bright, +1 bright on dark; contrast: in sd of the film's grain; annotations: probability of a burnt-in bar;
    bits: 8 or 16.
    """

    nm_per_px: float | None = None
    width_nm: float | None = None
    width_px: tuple[float, float] | None = None
    polarity: int | None = None
    contrast: float | None = None
    annotations: float = 0.55
    bits: int = 8

    def __post_init__(self) -> None:
        if self.width_px is not None and (self.width_nm is not None or not 0 < self.width_px[0] <= self.width_px[1]):
            raise ValueError(f"width_px is the least and the most of a width, without width_nm, not {self.width_px}")
        if self.bits not in (8, 16):
            raise ValueError(f"bits is 8 or 16, not {self.bits}")
        if self.polarity not in (None, -1, 1):
            raise ValueError(f"polarity is -1 (dark material) or 1 (bright material), not {self.polarity}")


@dataclass(frozen=True, eq=False)
class Scene:
    """Objects in the order in which they lie (the last on top), their pixels, what hides them."""

    objects: list[Object]
    footprints: list[Footprint]
    scale: layouts.Scale
    overlay: Overlay
    hidden: np.ndarray
    instances: np.ndarray


def true_scene(rng: Rng, label: str, shape: tuple[int, int], wishes: Wishes) -> Scene:
    """Draw scenes until one deserves its label. Raises RuntimeError where none of ATTEMPTS does."""
    raster = Raster(shape)
    for _ in range(ATTEMPTS):
        scene = _draw_scene(rng, label, raster, wishes)
        visible = (scene.instances > 0)[: scene.overlay.visible_rows]
        if truth.is_true(label, visible, scene.scale.width_px):
            return scene
    raise RuntimeError(f"no true {label} field of {shape} px in {ATTEMPTS} attempts with {wishes}")


def _draw_scene(rng: Rng, label: str, raster: Raster, wishes: Wishes) -> Scene:
    shape = raster.shape
    scale = layouts.draw_scale(rng, wishes.nm_per_px, wishes.width_nm, wishes.width_px)
    objects = _draw_objects(rng, label, shape, scale, wishes)
    footprints = [_footprint(thing, raster) for thing in objects]
    overlay = draw_annotations(rng, shape, scale.nm_per_px, wishes.annotations)
    hidden = draw_grid_edge(rng, shape)
    instances = np.zeros(shape, np.int32)
    for number, footprint in enumerate(footprints, start=1):
        instances.ravel()[footprint.pixels[footprint.inside]] = number
    instances[overlay.covered | hidden] = 0
    return Scene(objects, footprints, scale, overlay, hidden, instances)


def _draw_objects(rng: Rng, label: str, shape: tuple[int, int], scale: layouts.Scale, wishes: Wishes) -> list[Object]:
    if label in (EMPTY, FOREIGN):
        return []
    if label == "particles":
        diameter = None if wishes.width_nm is None and wishes.width_px is None else scale.width_px
        return list(draw_particles(rng, shape, diameter))
    if label == "bundle":
        bundles, strays = draw_bundles(rng, shape, scale.width_px)
        return [*strays, *bundles]
    if label == "texture":
        return [draw_texture(rng, shape, scale.width_px)]
    if label == "grid":
        return list(draw_grid(rng, shape, scale.width_px))
    draw = {"singular": layouts.singular, "dispersed": layouts.dispersed, "network": layouts.network}[label]
    return list(draw(rng, shape, scale))


def _footprint(thing: Object, raster: Raster) -> Footprint:
    if isinstance(thing, Chain):
        return raster.footprint(thing)
    if isinstance(thing, Bundle):
        return bundle_footprint(thing, raster.shape)
    if isinstance(thing, Texture):
        return texture_footprint(thing)
    return particle_footprint(thing, raster.shape)


def wires_table(scene: Scene) -> pd.DataFrame:
    """A row per visible object, WIRE_COLUMNS; lengths are those inside the field."""
    visible = np.bincount(scene.instances.ravel(), minlength=len(scene.objects) + 1)
    rows = [
        (number, *_row(thing, scene), int(visible[number]), _axis(thing))
        for number, thing in enumerate(scene.objects, start=1)
        if visible[number]
    ]
    return pd.DataFrame(rows, columns=list(WIRE_COLUMNS))


def _row(thing: Object, scene: Scene) -> tuple[str, float, float, float, float, float, float]:
    """kind, width and length in px and nm, persistence length in px, taper."""
    nm = scene.scale.nm_per_px
    if isinstance(thing, Particle):
        width, length = 2 * thing.radius, 2 * thing.radius * thing.aspect
        return thing.kind, width, width * nm, length, length * nm, np.nan, 0.0
    if isinstance(thing, Texture):
        return "texture", thing.width_px, thing.width_px * nm, np.nan, np.nan, np.nan, 0.0
    width, length = _width_and_length(thing, scene.instances.shape)
    kind = "bundle" if isinstance(thing, Bundle) else "wire"
    return kind, width, width * nm, length, length * nm, thing.persistence_px, thing.taper


def _width_and_length(thing: Chain | Bundle, shape: tuple[int, ...]) -> tuple[float, float]:
    """Mean width and arc length in px of the part of the axis that lies inside the field."""
    steps = np.hypot(*np.diff(thing.axis, axis=0).T)
    middles = (thing.axis[1:] + thing.axis[:-1]) / 2
    seen = ((middles >= -0.5) & (middles < np.array(shape[::-1]) - 0.5)).all(axis=1)
    widths = thing.half_width[1:] + thing.half_width[:-1]
    length = float(steps[seen].sum())
    # Only its rim may be seen: then the width of the whole stands for it.
    width = float((widths[seen] * steps[seen]).sum() / length) if length else float(widths.mean())
    return width, length


def _axis(thing: Object) -> np.ndarray:
    if isinstance(thing, Texture):
        return np.empty((0, 2), np.float32)
    if not isinstance(thing, Particle):
        return thing.axis
    reach = (thing.aspect - 1) * thing.radius * np.array([np.cos(thing.angle), np.sin(thing.angle)])
    centre = np.array([thing.x, thing.y])
    return np.stack([centre - reach, centre + reach]).astype(np.float32)
