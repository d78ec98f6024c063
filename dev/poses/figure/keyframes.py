"""A movement of the figure as keyframes, and the variants in which it is done otherwise."""

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from detection import PoseFrame
from dev.poses.figure.body import AVERAGE, Build, Posture, between, eased, mirrored
from dev.poses.figure.camera import Camera

VIEWS = {"side": 0.0, "diagonal": 45.0, "front": 90.0, "back": 270.0}
MAX_SECONDS = 300.0
# The name of the posture of a pause: none that a file may give.
HALFWAY = ""


@dataclass(frozen=True, slots=True)
class Keyframe:
    """The name of the posture that is reached so many seconds after a repetition's begin."""

    at: float
    posture: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A way of doing a movement otherwise.

    shallow: the share of the way from the first posture to each other one.
    fast: how many times as fast.
    still: the side whose arm and leg stay as in the first posture. Of a movement that alternates,
        every other repetition is left out.
    paused: seconds of standing still halfway to the second posture, in each repetition.
    mirrored: with left and right exchanged.
    away: seconds out of the picture, from the middle of the second repetition, or of the only one.
    turned: the body's turn to the camera, in place of the movement's.
    postures: these in place of the movement's, by name.
    """

    name: str
    shallow: float = 1.0
    fast: float = 1.0
    still: Literal["left", "right"] | None = None
    paused: float = 0.0
    mirrored: bool = False
    away: float = 0.0
    turned: float | None = None
    postures: Mapping[str, Posture] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """Keyframes, the first at 0 s, that go from the first posture back to it.

    Half a cosine leads from each to the next. `source` has the words from which they were made,
    `stance` tells a person how to begin. `hides` is false for limbs that are so far apart that a
    camera at the side sees those of both sides.
    """

    name: str
    source: str
    stance: str
    turned: float
    noise_m: float
    hides: bool
    rest_seconds: float
    repetitions: int
    alternates: bool
    postures: Mapping[str, Posture]
    keyframes: tuple[Keyframe, ...]
    own_variants: tuple[Variant, ...] = ()
    leaves_out_every_other: bool = False
    away_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        return self.keyframes[-1].at

    @property
    def rest(self) -> Posture:
        return self.postures[self.keyframes[0].posture]

    @property
    def peak(self) -> Posture:
        """The posture of the keyframe in the middle."""
        return self.postures[self.keyframes[len(self.keyframes) // 2].posture]

    def seconds_in_all(self, repetitions: int) -> float:
        return repetitions * self.seconds + 2 * self.rest_seconds

    def variants(self) -> dict[str, Variant]:
        is_from_front = abs(math.sin(math.radians(self.turned))) > math.sin(math.radians(45))
        other_view = VIEWS["side" if is_from_front else "front"]
        of_all = (
            Variant(name="shallow", shallow=0.5),
            Variant(name="fast", fast=3.0),
            Variant(name="double-speed", fast=2.0),
            Variant(name="paused", paused=3.0),
            Variant(name="one-sided", still="left"),
            Variant(name="other-side", mirrored=True),
            Variant(name="wrong-view", turned=other_view),
            Variant(name="out-of-picture", away=3.0),
        )
        return {variant.name: variant for variant in (*of_all, *self.own_variants)}

    def varied(self, variant: Variant) -> "Movement":
        named = {**self.postures, **variant.postures}
        rest = named[self.keyframes[0].posture]
        side = None if self.alternates else variant.still
        still = {limb: getattr(rest, limb) for limb in (f"{side}_arm", f"{side}_leg") if side}
        named = {
            name: replace(between(rest, posture, variant.shallow), **still)
            for name, posture in named.items()
        }
        keyframes = tuple(Keyframe(one.at / variant.fast, one.posture) for one in self.keyframes)
        if variant.paused:
            start, second, *others = keyframes
            named[HALFWAY] = between(rest, named[second.posture], 0.5)
            halfway = Keyframe(second.at / 2, HALFWAY)
            after = (replace(one, at=one.at + variant.paused) for one in (halfway, second, *others))
            keyframes = (start, halfway, *after)
        if variant.mirrored:
            named = {name: mirrored(posture) for name, posture in named.items()}
        return replace(
            self,
            turned=self.turned if variant.turned is None else variant.turned,
            postures=named,
            keyframes=keyframes,
            leaves_out_every_other=self.alternates and variant.still is not None,
            away_seconds=variant.away,
        )

    def posture_at(self, second: float, repetitions: int) -> Posture:
        number, within = divmod(second - self.rest_seconds, self.seconds)
        is_other = number % 2 == 1
        if not 0 <= number < repetitions or (is_other and self.leaves_out_every_other):
            return self.rest
        after = bisect_right(self.keyframes, within, key=lambda one: one.at)
        start, end = self.keyframes[after - 1], self.keyframes[after]
        share = (within - start.at) / (end.at - start.at)
        posture = eased(self.postures[start.posture], self.postures[end.posture], share)
        return mirrored(posture) if is_other and self.alternates else posture

    def film(
        self,
        *,
        repetitions: int | None = None,
        camera: Camera | None = None,
        build: Build = AVERAGE,
    ) -> list[PoseFrame]:
        """The frames of a figure that does `repetitions` of it, before any camera."""
        count = self.repetitions if repetitions is None else repetitions
        camera = camera or self.camera()
        frames = replace(camera, hides=camera.hides and self.hides).film(
            lambda second: self.posture_at(second, count),
            seconds=self.seconds_in_all(count),
            build=build,
        )
        leaves = (self.rest_seconds + (min(count, 2) - 0.5) * self.seconds) * 1000
        comes_back = leaves + self.away_seconds * 1000
        return [frame for frame in frames if not leaves <= frame.timestamp_ms < comes_back]

    def camera(self) -> Camera:
        return Camera(turned=self.turned, noise_m=self.noise_m)
