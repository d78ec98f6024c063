"""The rations of the cues: how often each is sent."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from detection.spec import Cue, MoveSpec


@dataclass(slots=True, eq=False)
class RationsState:
    # How often each cue could have been sent, and when it was last: sent, or where it repeats
    # within a stay, could have been.
    chances: list[int] = field(default_factory=list)
    last_ms: list[float | None] = field(default_factory=list)


class Rations(RationsState):
    """The ration of each cue of a MoveSpec: of every side, and of the readiness. `repeats` says of
    each whether it can be sent again in the same stay."""

    __slots__ = ("_cues", "_of_whole", "_reserved", "repeats")

    def __init__(self, spec: MoveSpec) -> None:
        names = {phase.name for phase in spec.phases}
        self._cues = spec.feedback
        self._reserved = [n for n, cue in enumerate(self._cues) if cue.when not in names]
        checks = {name: number for number, name in enumerate(spec.check_paths)}
        # Of each cue on a check of the whole its number and that of the check.
        self._of_whole = [
            (number, checks[cue.check])
            for number, cue in enumerate(self._cues)
            if cue.check is not None and not cue.when
        ]
        self.repeats = [spec.repeats(cue) for cue in self._cues]
        self.chances = [0] * len(self._cues)
        self.last_ms = [None] * len(self._cues)

    def check(self) -> None:
        """Raise ValueError for a state that is not of so many cues."""
        if {len(self.chances), len(self.last_ms)} != {len(self._cues)} or None in self.chances:
            raise ValueError("Not the rations of so many cues.")

    def tell(
        self,
        when: str,
        reason: str | None,
        now_ms: float,
        *,
        only_named: bool = False,
        form: float | None = None,
        detail: str | None = None,
        step: str | None = None,
    ) -> list[Cue]:
        """Those of `completed`, `interrupted` and `not_ready`.

        One without a reason is for all of them, but for an attempt beside which the repetition goes
        on, or none was under way: that has only cues that name it. One that asks for form, a detail
        or a step is for what had it.
        """
        fired: list[Cue] = []
        for number in self._reserved:
            cue = self._cues[number]
            is_meant = cue.reason == reason if cue.reason else not only_named
            if cue.detail not in (None, detail) or cue.step not in (None, step):
                is_meant = False
            if cue.form is not None:
                is_meant = form is not None and cue.form[0] <= form <= cue.form[1]
            if cue.when == when and is_meant and self.may_send(number, now_ms):
                fired.append(cue)
        return fired

    def judge(self, missed: Sequence[float | None], now_ms: float) -> list[Cue]:
        """Those on checks of the whole repetition or hold, of which a `Verdict` says by how much
        each was missed."""
        fired: list[Cue] = []
        for number, check in self._of_whole:
            cue, by = self._cues[number], missed[check]
            is_meant = by is not None and (by == 0.0) == cue.is_met
            if is_meant and self.may_send(number, now_ms):
                fired.append(cue)
        return fired

    def may_send(self, number: int, now_ms: float) -> bool:
        """Whether a cue may be sent now. A due one that comes too early waits for a chance."""
        cue = self._cues[number]
        is_due = self.chances[number] == 0
        if cue.min_gap_ms > 0.0 and (is_due or self.repeats[number]):
            last_ms = self.last_ms[number]
            if last_ms is not None and now_ms - last_ms < cue.min_gap_ms:
                return False
            self.last_ms[number] = now_ms
        if cue.every > 1:
            self.chances[number] = (self.chances[number] + 1) % cue.every
        return is_due
