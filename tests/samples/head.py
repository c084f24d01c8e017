"""A head with a face whose parts are known: around an artificial brain, or around a real one that was skull-stripped.

Places are in mm of MNI space (to the right, to the front, upwards); sizes are those of an adult.
"""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from numpy.typing import NDArray

from fedbundle.dicom.geometry import Array
from fedbundle.dicom.volume import Volume

MM = 2.0
LOW, SIZE = (-110.0, -140.0, -150.0), (111, 136, 131)  # of the grid: right, front, up
Mask = NDArray[np.bool_]
T1 = {"brain": 100.0, "csf": 30.0, "bone": 8.0, "scalp": 170.0, "muscle": 75.0, "eye": 25.0}
T2 = {"brain": 80.0, "csf": 190.0, "bone": 6.0, "scalp": 110.0, "muscle": 35.0, "eye": 200.0}
FLAIR = {"brain": 110.0, "csf": 20.0, "bone": 6.0, "scalp": 120.0, "muscle": 60.0, "eye": 15.0}


@dataclass(frozen=True, eq=False)
class Head:
    """Masks [up, front, right] of a head's parts."""

    brain: Mask
    head: Mask
    parts: dict[str, Mask]  # eyes, nose, mouth, chin, ears
    tissue: dict[str, Mask]  # all of the head, by kind of tissue

    def volume(self, values: dict[str, float], affine: Array | None = None, noise: float = 3.0) -> Volume:
        """The head as a scanner shows it.

        Args:
            values: by kind of tissue.
            affine: 4x4, voxel index (right, front, up) -> LPS mm; None = as it lies in MNI space.
            noise: standard deviation of Rician noise.
        """
        array = np.zeros(self.head.shape, np.float32)
        for kind, mask in self.tissue.items():
            array[mask] = values[kind]
        draw = np.random.default_rng(7).normal(0, noise, (2, *array.shape)).astype(np.float32)
        return Volume(np.hypot(array + draw[0], draw[1]), mni_affine() if affine is None else affine, "1.2.3")


def mni_affine(pitch: float = 0.0) -> Array:
    """Voxel index -> LPS mm, the head nodding by `pitch` degrees."""
    cos, sin = np.cos(np.radians(pitch)), np.sin(np.radians(pitch))
    turn = np.array([[1, 0, 0, 0], [0, cos, -sin, 0], [0, sin, cos, 0], [0, 0, 0, 1.0]])
    grid = np.diag([-MM, -MM, MM, 1.0])
    grid[:3, 3] = -LOW[0], -LOW[1], LOW[2]
    return np.asarray(turn @ grid, dtype=np.float64)


def make_head(brain: Mask | None = None) -> Head:
    """Put skull, scalp, face, ears and neck around a brain on the grid; without one, around an artificial brain."""
    brain = _brain() if brain is None else brain
    shape = brain | _ellipsoid((0, -20, 12), (68, 88, 66))  # the skull bridges sulci
    outside = _outside_mm(_closed(shape))
    cavity, skull, scalp = outside <= 2, outside <= 8, outside <= 14
    eyes = _ellipsoid((-33, 60, -36), (12, 12, 12)) | _ellipsoid((33, 60, -36), (12, 12, 12))
    nose = _ellipsoid((0, 88, -58), (16, 26, 24))
    mouth = _ellipsoid((0, 84, -96), (28, 16, 12))
    chin = _ellipsoid((0, 76, -126), (24, 18, 16))
    ears = _ellipsoid((-84, -20, -40), (10, 16, 30)) | _ellipsoid((84, -20, -40), (10, 16, 30))
    face = _ellipsoid((0, 30, -62), (70, 58, 78)) | nose | mouth | chin | eyes
    neck = _ellipsoid((0, -30, -130), (58, 62, 90))
    head = scalp | face | neck | ears
    skin = _inside_mm(head) <= 5
    cord = _ellipsoid((0, -42, -120), (6, 6, 60))
    tissue = {"muscle": head, "scalp": head & skin | (scalp & ~skull)}
    tissue |= {"bone": skull & ~cavity, "csf": cavity & ~brain, "eye": eyes & ~cavity, "brain": brain | cord}
    parts = {"eyes": eyes & ~cavity, "nose": nose, "mouth": mouth, "chin": chin, "ears": ears}
    return Head(brain, head, {name: part & ~skull for name, part in parts.items()}, tissue)


def on_grid(image: sitk.Image) -> NDArray[np.float32]:
    """An image in MNI space on the grid of the head."""
    grid = sitk.Image(list(SIZE), sitk.sitkUInt8)
    grid.SetOrigin([-LOW[0], -LOW[1], LOW[2]])
    grid.SetSpacing([MM] * 3)
    grid.SetDirection([-1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0])
    return np.asarray(sitk.GetArrayFromImage(sitk.Resample(image, grid, sitk.Transform(), sitk.sitkLinear, 0.0)))


def _brain() -> Mask:
    cerebrum = _ellipsoid((0, -18, 14), (66, 86, 62)) & (_axes()[2] > -30)
    temporal = _ellipsoid((-45, -15, -28), (22, 40, 20)) | _ellipsoid((45, -15, -28), (22, 40, 20))
    cerebellum = _ellipsoid((0, -62, -42), (50, 34, 25))
    stem = _ellipsoid((0, -34, -45), (13, 13, 32))
    fissure = (np.abs(_axes()[0]) < 2) & (_axes()[2] > 15)
    return (cerebrum | temporal | cerebellum | stem) & ~fissure


def _axes() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    right, front, up = (low + MM * np.arange(n) for low, n in zip(LOW, SIZE, strict=True))
    return right[None, None, :], front[None, :, None], up[:, None, None]


def _ellipsoid(centre: tuple[float, ...], radii: tuple[float, ...]) -> Mask:
    inside: Mask = sum(((x - c) / r) ** 2 for x, c, r in zip(_axes(), centre, radii, strict=True)) <= 1
    return inside


def _inside_mm(mask: Mask) -> NDArray[np.float32]:
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing([MM] * 3)
    return np.asarray(sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(image, True, False, True)))


def _outside_mm(mask: Mask) -> NDArray[np.float32]:
    return -_inside_mm(mask)


def _closed(mask: Mask) -> Mask:
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    closed = sitk.BinaryFillhole(sitk.BinaryMorphologicalClosing(image, [8] * 3))
    return np.asarray(sitk.GetArrayFromImage(closed)) > 0
