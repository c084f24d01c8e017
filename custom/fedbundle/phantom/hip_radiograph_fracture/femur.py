"""The proximal femur in its own frame: shape, cortex, and the groups of trabeculae that carry it.

Axes in mm: origin in the middle of the head, x to the side, y to the back, z to the head; the neck lies in the plane
y = 0 and the shaft runs along -z. A left femur; the frame of a right one mirrors it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.canvas import Array, rotation
from fedbundle.phantom.hip_radiograph_fracture.patient import Hip
from fedbundle.phantom.radiograph_beam import Frame
from fedbundle.phantom.solid import Solid

LOW, HIGH = (-36.0, -36.0, -190.0), (92.0, 40.0, 34.0)
"""The box that holds a femur, as far as an image may show it."""
DENSEST = 0.75
"""g/cm3 of bone tissue in cancellous bone, at most."""


@dataclass(frozen=True)
class Femur:
    """Landmarks and tables of one hip."""

    hip: Hip

    @cached_property
    def neck_axis(self) -> NDArray[np.float64]:
        """Unit vector from the shaft to the head."""
        angle = np.radians(self.hip.neck_shaft_degrees)
        return np.array([-np.sin(angle), 0, -np.cos(angle)])

    @cached_property
    def base(self) -> NDArray[np.float64]:
        """Where the axes of neck and shaft meet."""
        return -self.neck_axis * self.hip.neck_length_mm

    def frame(self, head: NDArray[np.float64], side: int, turn_degrees: float) -> Frame:
        """4x4 to table mm of a femur whose head lies at `head`; `side` is 1 for left, -1 for right."""
        turned = rotation(0, 0, self.hip.anteversion_degrees - turn_degrees)
        tilted = rotation(0, self.hip.adduction_degrees, 0)
        frame = np.eye(4)
        frame[:3, :3] = np.diag([side, 1, 1]) @ tilted @ turned
        frame[:3, 3] = head
        return frame

    def add_head(self, solid: Solid) -> None:
        """The head, a little flat above."""
        r = self.hip.head_mm
        solid.ellipsoid((0, 0, 0), (r, r, 0.985 * r), axis=self.neck_axis)

    def add_neck(self, solid: Solid) -> None:
        """From inside the head to the trochanters, oval, narrowest behind the head."""
        r, base = self.hip.neck_mm, self.base
        middle = base * 0.52
        solid.bar(base * 0.15, middle, (r * 1.08, r), blend=7, flat=0.84)
        solid.bar(middle, base, (r, r * 1.22), blend=7, flat=0.84)

    def add_trochanters(self, solid: Solid) -> None:
        """The greater and what joins it to the shaft."""
        x, _, z = self.base
        r = self.hip.shaft_mm
        solid.bar((x + 4, 3, z - 4), (x + 15, 9, z + 26), (r * 1.12, r * 0.55), blend=8)
        solid.bar((x + 9, -2, z - 12), (x + 4, 0, z - 30), (r * 1.02, r * 1.0), blend=9)
        solid.bar((x - 3, 1, z - 6), (x, 1, z - 42), (r * 1.28, r * 1.05), blend=8, flat=0.95)

    def add_lesser(self, solid: Solid, blend: float = 6) -> None:
        """The lesser trochanter, behind and on the inner side."""
        x, _, z = self.base
        r = self.hip.shaft_mm
        solid.bar((x - 0.45 * r, 6, z - 30), (x - 1.25 * r, 0.85 * r + 4, z - 29), (0.66 * r, 0.36 * r), blend=blend)

    def add_shaft(self, solid: Solid) -> None:
        """Down out of the image."""
        x, _, z = self.base
        r = self.hip.shaft_mm
        solid.bar((x, 1, z - 30), (x, 0, z - 85), (r * 1.08, r), blend=8)
        solid.bar((x, 0, z - 85), (x, -4, -260), (r, r * 0.96), blend=4)

    def cortex(self, solid: Solid) -> Array:
        """Thickness in mm at the points of a solid's block."""
        return self._cortex_table[self._cells(solid)]

    def cancellous(self, solid: Solid) -> Array:
        """Bone tissue in g/cm3 at the points of a solid's block."""
        return self._cancellous_table[self._cells(solid)]

    def _cells(self, solid: Solid) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        x, z = (
            np.clip(values - np.float32(LOW[axis]), 0, HIGH[axis] - LOW[axis] - 1).astype(np.int32)
            for axis, values in ((0, solid.block.x), (2, solid.block.z))
        )
        return z, x

    @cached_property
    def _plane(self) -> tuple[Array, Array]:
        """Where x and z lie at the cells of the tables, 1 mm wide, [z, x]."""
        x = np.arange(LOW[0], HIGH[0]) + 0.5
        z = np.arange(LOW[2], HIGH[2]) + 0.5
        return np.asarray(x[None], np.float32), np.asarray(z[:, None], np.float32)

    @cached_property
    def _cortex_table(self) -> Array:
        """Thin on the head, thicker down the shaft, thick at the calcar."""
        x, z = self._plane
        whole, (bx, _, bz) = self.hip.cortex_mm, self.base
        down = np.clip((bz - 4 - z) / (116 + bz), 0, 1.15)
        thickness = 0.16 * whole + 0.84 * whole * down**0.9
        foot = (bx - self.hip.shaft_mm, bz - 38)
        top = (self.hip.neck_mm * 0.62 + 4, -self.hip.neck_mm * 1.28 - 2)
        thickness = thickness + 0.40 * whole * np.exp(-((_from_line(x, z, top, foot) / 5.5) ** 2))
        return np.asarray(thickness, np.float32)

    @cached_property
    def _cancellous_table(self) -> Array:
        """Principal compressive and tensile groups, Ward's triangle between them (Ward 1838; Singh et al. 1970).

        With less bone the tensile group goes first, which is what Singh's index grades.
        """
        x, z = self._plane
        hip, r, (bx, _, bz) = self.hip, self.hip.head_mm, self.base
        density = min(hip.density, 1.3)
        head = np.exp(-((np.hypot(x, z) / (0.98 * r)) ** 4))
        calcar, dome = (bx - 1.15 * hip.shaft_mm, bz - 18), (-0.15 * r, 0.9 * r)
        compressive = np.exp(-((_from_line(x, z, calcar, dome) / (4.5 + 0.16 * np.clip(z + 30, 0, 60))) ** 2))
        lateral, top, inner = (bx + hip.shaft_mm - 3, bz - 34), (0.58 * bx, 0.30 * bz + 6), (-0.72 * r, -0.42 * r)
        arch = np.minimum(_from_line(x, z, lateral, top), _from_line(x, z, top, inner))
        tensile = np.exp(-((arch / 6.5) ** 2))
        ward = np.exp(-((np.hypot(x - 0.66 * bx, z - 0.86 * bz) / 9.0) ** 2))
        lines = 1 + 0.22 * np.sin((x * 0.86 + z * 0.20) * 1.75) * compressive
        lines = lines + 0.24 * np.sin(np.hypot(x - bx - 4, z - bz + 46) * 1.45) * tensile
        trochanter = np.exp(-(((z - bz) / 34) ** 2))
        base = 0.06 + 0.12 * trochanter + 0.20 * head
        groups = 0.26 * compressive * density**0.6 + 0.20 * tensile * density**2 - 0.12 * ward
        hollow = np.clip((z - bz + 78) / 40, 0.12, 1)
        return np.asarray(np.clip((base + groups) * lines * density * hollow, 0.015, DENSEST), np.float32)


def _from_line(x: Array, z: Array, start: tuple[float, float], end: tuple[float, float]) -> Array:
    """Distance in mm to the line between two points (x, z)."""
    ex, ez = end[0] - start[0], end[1] - start[1]
    share = np.clip(((x - start[0]) * ex + (z - start[1]) * ez) / (ex**2 + ez**2), 0, 1)
    return np.asarray(np.hypot(x - start[0] - share * ex, z - start[1] - share * ez), np.float32)
