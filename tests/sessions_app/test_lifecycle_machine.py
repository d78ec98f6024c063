"""Random operations and sweeps against a model of the lifecycle, written from its table alone.

The model lives by the clock and knows no sweep: whatever agrees with it does not depend on when
sweeps ran.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any
from unittest import mock
from uuid import UUID

import pytest
from django.db import transaction
from engine_work import Work, midway, whole
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from lifecycle_model import GRACE, IDLE, LONGEST, SLACK, START, WINDOW, Model

from kynaplatform.api.errors import ApiError
from movespecs.models import MoveSpec
from projects.models import resume, suspend
from sessions_app.attachments import session_attach, session_detach
from sessions_app.checkpoints import Attachment, AttachmentLost, Checkpoint, NewEvent, leases_renew
from sessions_app.finish import session_finish
from sessions_app.lifecycle import session_abandon, session_fail
from sessions_app.models import DetectionSession, SessionAttach
from sessions_app.session_sweep import expire_sessions
from tests.conftest import SESSIONS, Machine, make_released, mint
from tests.event_counters import miscounted_sessions
from tests.sessions_app.new_session import RECORD
from tests.sessions_app.storing import checkpoint_store

TICK = timedelta(microseconds=1)
TERMINAL = {"completed", "cancelled", "failed"}
LEGAL = {
    ("created", "streaming"),
    ("created", "completed"),
    ("created", "cancelled"),
    ("streaming", "finalizing"),
    ("streaming", "completed"),
    ("streaming", "cancelled"),
    ("streaming", "failed"),
    ("finalizing", "completed"),
    ("finalizing", "cancelled"),
    ("finalizing", "failed"),
}
OBSERVED = (
    "status", "terminal_outcome", "error_code", "created_at", "started_at", "ended_at",
    "deadline_at", "accepted_frames_total", "rejected_frames_total", "last_frame_seq",
)  # fmt: skip


class Lifecycle(RuleBasedStateMachine):
    def __init__(self, machines: list[Machine], movespecs: list[MoveSpec]) -> None:
        super().__init__()
        self.machines, self.movespecs = machines, movespecs
        self.tokens: list[str] = []
        self.now = START
        self.models: list[Model] = []
        self.raw: dict[UUID, dict[str, Any]] = {}
        self.suspended: dict[Any, bool] = {}
        self.clock = mock.patch("kynaplatform.clock.now", side_effect=lambda *_: self.now)
        self.rollback = transaction.atomic()

    @initialize()
    def begin(self) -> None:
        self.clock.start()
        self.rollback.__enter__()
        self.tokens = [mint(machine.credential) for machine in self.machines]
        for project in (0, 0, 1):
            self.create(project, "live")
            self.attach(self.models[-1])

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.rollback.__exit__(None, None, None)
        self.clock.stop()

    # --- The clock, the sweep, staff -------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 4, 9, 11, 19, 29, 30, 31, 75]))
    def time_passes(self, seconds: int) -> None:
        self.turn_the_clock(self.now + timedelta(seconds=seconds))

    @precondition(lambda self: any(model.deadline_at for model in self.models))
    @rule(data=st.data(), near=st.sampled_from([-TICK, timedelta(0), TICK]))
    def a_deadline_comes(self, data: st.DataObject, near: timedelta) -> None:
        deadlines = sorted({model.deadline_at for model in self.models if model.deadline_at})
        deadline = data.draw(st.sampled_from(deadlines))
        self.turn_the_clock(max(self.now, deadline + near))

    @precondition(lambda self: any(model.lease_until for model in self.models))
    @rule(data=st.data(), near=st.sampled_from([-TICK, timedelta(0), TICK]))
    def a_lease_runs_out(self, data: st.DataObject, near: timedelta) -> None:
        leases = sorted({model.lease_until for model in self.models if model.lease_until})
        self.turn_the_clock(max(self.now, data.draw(st.sampled_from(leases)) + near))

    @rule(slice_size=st.sampled_from([1, 2, 1000]))
    def sweep(self, slice_size: int) -> None:
        before = self.rows()
        changed = expire_sessions(now=self.now, slice_size=slice_size)
        after = self.rows()
        assert changed == sum(before[id_] != after[id_] for id_ in before)
        assert {id_: {name: row[name] for name in OBSERVED} for id_, row in after.items()} == {
            model.id: {name: getattr(model, name) for name in OBSERVED} for model in self.models
        }

    @precondition(lambda self: sum(model.deadline_at is not None for model in self.models) > 2)
    @rule(which=st.sampled_from(["project 0", "project 1", "organization"]))
    def staff_suspend(self, which: str) -> None:
        self.suspend(which, on=True)

    @precondition(lambda self: any(self.suspended.values()))
    @rule(data=st.data())
    def staff_resume(self, data: st.DataObject) -> None:
        suspended = sorted(which for which, on in self.suspended.items() if on)
        self.suspend(data.draw(st.sampled_from(suspended)), on=False)

    def suspend(self, which: str, on: bool) -> None:
        machine = self.machines[int(which[-1]) if which[-1].isdigit() else 0]
        target = machine.organization if which == "organization" else machine.project
        if on:
            suspend(target, now=self.now)
        else:
            resume(target)
        self.suspended[which] = on
        for model in self.models:
            code = self.suspension_of(model.project)
            if code and model.deadline_at:
                model.end("cancelled", "suspended", self.now, code)

    # --- The API ---------------------------------------------------------------------------

    @precondition(lambda self: sum(model.deadline_at is not None for model in self.models) < 5)
    @rule(project=st.sampled_from([0, 0, 1]), mode=st.sampled_from(["live", "replay"]))
    def create(self, project: int, mode: str) -> None:
        body = {
            "mode": mode,
            "project_id": str(self.machines[project].project.id),
            "movespec_id": str(self.movespecs[project].id),
        }
        answer = self.call(project, "POST", SESSIONS, body)
        if code := self.suspension_of(project):
            assert self.code_of(answer) == (403, code)
            return
        assert answer.status_code == 201
        id_ = UUID(answer.json()["session_id"])
        self.models.append(Model(id_, project, mode, created_at=self.now))
        self.raw |= {row["id"]: row for row in DetectionSession.objects.filter(id=id_).values()}
        assert self.raw[id_]["status"] == "created"

    @rule(data=st.data(), end=st.sampled_from(["finalize", "finalize", "cancel"]))
    def finalize_or_cancel(self, data: st.DataObject, end: str) -> None:
        model = self.pick(data)
        answer = self.call(model.project, "POST", f"{SESSIONS}/{model.id}/{end}")
        repeats = ("finalizing", "completed") if end == "finalize" else ("cancelled",)
        if code := self.suspension_of(model.project):
            assert self.code_of(answer) == (403, code)
            return
        if model.status in TERMINAL and model.status not in repeats:
            assert self.code_of(answer) == (409, "session_already_ended")
            assert answer.json()["error"]["details"] == {
                "status": model.status,
                "terminal_outcome": model.terminal_outcome,
                "accepted_frames_total": model.accepted_frames_total,
            }
            return
        if model.status not in repeats:
            if end == "cancel":
                model.end("cancelled", "cancelled", self.now)
            elif model.is_attached(self.now):
                model.status, model.finishing = "finalizing", "completed"
            else:
                model.finish(self.now)
        assert answer.status_code == 200
        assert answer.json() == self.record_of(model)

    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        self.sweep(slice_size=1000)
        model = self.pick(data)
        answer = self.call(model.project, "GET", f"{SESSIONS}/{model.id}")
        if code := self.suspension_of(model.project):
            assert self.code_of(answer) == (403, code)
        else:
            assert answer.json() == self.record_of(model)
        foreign = self.call(1 - model.project, "GET", f"{SESSIONS}/{model.id}")
        other = self.suspension_of(1 - model.project)
        assert self.code_of(foreign) == ((403, other) if other else (404, "not_found"))

    # --- The runtime -----------------------------------------------------------------------

    @precondition(lambda self: any(model.status == "created" for model in self.models))
    @rule(data=st.data())
    def first_attach(self, data: st.DataObject) -> None:
        self.attach(data.draw(st.sampled_from([m for m in self.models if m.status == "created"])))

    @rule(data=st.data())
    def attach_again(self, data: st.DataObject) -> None:
        self.attach(self.pick(data))

    def attach(self, model: Model) -> None:
        attachment = uuid.uuid4()
        model.attachments.append(attachment)
        refused = self.suspension_of(model.project)
        if not refused and model.status in TERMINAL:
            refused = "session_already_ended"
        if refused:
            with pytest.raises(ApiError) as raised:
                self.take(model, attachment)
            assert raised.value.code == refused
            return
        session = self.take(model, attachment)
        assert (session.checkpoint_number, session.events_total) == (
            model.checkpoints, model.events_total,
        )  # fmt: skip
        if model.status == "created":
            model.status, model.started_at = "streaming", self.now
        model.attachment = attachment
        model.idle_at = self.now + IDLE + SLACK
        model.hear(self.now, self.now)
        model.closed = {id_: code or 4409 for id_, code in model.closed.items()}
        model.closed[attachment] = None

    def take(self, model: Model, attachment: UUID) -> DetectionSession:
        return session_attach(
            SessionAttach(
                session_id=model.id, id=attachment, runtime="host:1", attached_at=self.now
            ),
            now=self.now,
        )

    @precondition(lambda self: any(model.attachments for model in self.models))
    @rule(data=st.data(), close_code=st.sampled_from([1000, 1001, 1012, 4408]))
    def detach(self, data: st.DataObject, close_code: int) -> None:
        model, attachment = self.pick_attachment(data)
        session_detach(
            session_id=model.id,
            attachment_id=attachment,
            close_code=close_code,
            last_message_at=self.now,
            now=self.now,
        )
        if attachment in model.closed:
            model.closed[attachment] = model.closed[attachment] or close_code
        if model.holds(attachment):
            model.attachment = model.lease_until = None
            model.idle_at = self.now + IDLE
            model.given_up_at = self.now + GRACE

    @precondition(lambda self: any(model.attachments for model in self.models))
    @rule(
        data=st.data(),
        frames=st.integers(0, 30),
        work=st.sampled_from([midway(), whole()]),
        ago=st.sampled_from([0, 3, 25]),
        step=st.sampled_from([1, 1, 1, 0, 2]),
        types=st.lists(st.sampled_from(["shape_enter", "event_completed"]), max_size=3),
    )
    def checkpoint(
        self, data: st.DataObject, frames: int, work: Work, ago: int, step: int, types: list[str]
    ) -> None:
        model, attachment = self.pick_attachment(data)
        heard_at = self.now - timedelta(seconds=ago)
        checkpoint = Checkpoint(
            session_id=model.id,
            attachment_id=attachment,
            number=model.checkpoints + step,
            packed_state=work.packed_state,
            accepted_frames=frames,
            rejected_frames=step,
            last_frame_seq=model.last_frame_seq + frames,
            last_batch_seq=1,
            last_message_at=heard_at,
            events=[
                NewEvent(sequence, 1, 40.0, type_, {"event_key": "squat"})
                for sequence, type_ in enumerate(types, model.events_total + 1)
            ],
        )
        # One that is stored already is held, until someone writes that a deadline has passed.
        stored = self.raw[model.id]
        if step == 0 and stored["attachment_id"] == attachment:
            checkpoint_store(checkpoint, now=self.now)
            return
        if not model.holds(attachment) or step != 1:
            with pytest.raises(AttachmentLost):
                checkpoint_store(checkpoint, now=self.now)
            return
        checkpoint_store(checkpoint, now=self.now)
        model.checkpoints += 1
        model.accepted_frames_total += frames
        model.rejected_frames_total += 1
        model.last_frame_seq += frames
        model.events_total += len(types)
        model.repetitions.update(["squat"] * types.count("event_completed"))
        model.is_midway = work == midway()
        model.hear(heard_at, self.now)

    @precondition(lambda self: any(model.attachments for model in self.models))
    @rule(data=st.data(), ago=st.sampled_from([0, 3, 25]))
    def renew_leases(self, data: st.DataObject, ago: int) -> None:
        heard_at = self.now - timedelta(seconds=ago)
        everything = [(model, id_) for model in self.models for id_ in model.attachments]
        picked = data.draw(st.lists(st.sampled_from(everything[-8:]), min_size=1, unique=True))
        renewed = leases_renew(
            attachments=[Attachment(model.id, id_, heard_at) for model, id_ in picked],
            now=self.now,
        )
        held = {id_: model for model, id_ in picked if model.holds(id_)}
        for model in held.values():
            model.hear(heard_at, self.now)
        assert renewed == set(held)

    @precondition(lambda self: any(model.attachment for model in self.models))
    @rule(seconds=st.sampled_from([10, 25, 29]))
    def runtimes_go_on(self, seconds: int) -> None:
        """Every runtime renews what it holds, and time passes."""
        held = [(model, model.attachment) for model in self.models if model.attachment]
        renewed = leases_renew(
            attachments=[Attachment(model.id, id_, self.now) for model, id_ in held], now=self.now
        )
        assert renewed == {attachment for _, attachment in held}
        for model, _ in held:
            model.hear(self.now, self.now)
        self.turn_the_clock(self.now + timedelta(seconds=seconds))

    @precondition(lambda self: any(model.status == "finalizing" for model in self.models))
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        finalizing = [model for model in self.models if model.status == "finalizing"]
        model = data.draw(st.sampled_from([*finalizing * 3, self.pick(data, attached=True)]))
        attachment = data.draw(st.sampled_from([model.attachments[-1], *model.attachments]))

        def finish() -> None:
            session_finish(session_id=model.id, attachment_id=attachment, now=self.now)

        if model.holds(attachment) and model.status == "finalizing":
            finish()
            model.finish(self.now)
        else:
            with pytest.raises(AttachmentLost):
                finish()

    @precondition(lambda self: any(model.attachments for model in self.models))
    @rule(data=st.data(), late=st.sampled_from([0, 4]))
    def abandon(self, data: st.DataObject, late: int) -> None:
        model, attachment = self.pick_attachment(data)
        idle_at = self.now - timedelta(seconds=late)

        def give_up() -> None:
            session_abandon(
                session_id=model.id,
                attachment_id=attachment,
                last_message_at=idle_at - IDLE,
                now=self.now,
            )

        is_idle = model.deadline_at is not None and model.deadline_at <= idle_at + SLACK
        if model.holds(attachment) and model.status == "streaming" and is_idle:
            give_up()
            model.end("failed", "abandoned", idle_at, "session_abandoned")
        else:
            with pytest.raises(AttachmentLost):
                give_up()

    @precondition(lambda self: any(model.attachments for model in self.models))
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        model, attachment = self.pick_attachment(data)

        def break_down() -> None:
            session_fail(
                session_id=model.id,
                attachment_id=attachment,
                message="It broke.",
                now=self.now,
            )

        if model.holds(attachment):
            break_down()
            model.end("failed", "failed", self.now, "runtime_error")
        else:
            with pytest.raises(AttachmentLost):
                break_down()

    # --- What always holds -----------------------------------------------------------------

    @invariant()
    def stored_transitions_are_legal_and_ends_are_final(self) -> None:
        for id_, row in self.rows().items():
            before, self.raw[id_] = self.raw[id_], row
            if before["status"] in TERMINAL:
                assert row == before
            elif before["status"] != row["status"]:
                assert (before["status"], row["status"]) in LEGAL

    @invariant()
    def stored_counters_are_those_of_the_stored_events(self) -> None:
        assert miscounted_sessions() == []

    @invariant()
    def attaches_are_noted_with_what_closed_them(self) -> None:
        noted = SessionAttach.objects.filter(session_id__in=[model.id for model in self.models])
        assert dict(noted.values_list("id", "close_code")) == {
            id_: code for model in self.models for id_, code in model.closed.items()
        }

    @invariant()
    def rows_agree_with_the_model_until_their_deadline_passes(self) -> None:
        rows = self.rows()
        for model in self.models:
            row = rows[model.id]
            if row["deadline_at"] is None or row["deadline_at"] > self.now:
                assert {name: row[name] for name in OBSERVED} == {
                    name: getattr(model, name) for name in OBSERVED
                }

    # --- Helpers ---------------------------------------------------------------------------

    def turn_the_clock(self, now: datetime) -> None:
        self.now = now
        for model in self.models:
            model.advance(now)

    def suspension_of(self, project: int) -> str | None:
        if self.suspended.get("organization"):
            return "organization_suspended"
        return "project_suspended" if self.suspended.get(f"project {project}") else None

    def pick(self, data: st.DataObject, attached: bool = False) -> Model:
        """Often one that finishes or lives, at times one that has ended."""
        models = [model for model in self.models if model.attachments or not attached]
        living = [model for model in models if model.deadline_at]
        finalizing = [model for model in living if model.status == "finalizing"]
        return data.draw(st.sampled_from([*finalizing * 6, *living * 2, *models[-2:]]))

    def pick_attachment(self, data: st.DataObject) -> tuple[Model, UUID]:
        """Often the one that holds its session, at times one that lost it."""
        model = self.pick(data, attached=True)
        return model, data.draw(st.sampled_from([model.attachments[-1], *model.attachments[::-1]]))

    def rows(self) -> dict[UUID, dict[str, Any]]:
        ours = DetectionSession.objects.filter(id__in=[model.id for model in self.models])
        return {row["id"]: row for row in ours.values()}

    def call(self, project: int, method: str, path: str, body: Any = None) -> Any:
        return self.machines[project].call(method, path, body, token=self.tokens[project])

    @staticmethod
    def code_of(answer: Any) -> tuple[int, str]:
        return answer.status_code, answer.json()["error"]["code"]

    def record_of(self, model: Model) -> dict[str, Any]:
        machine = self.machines[model.project]
        messages = {
            "session_expired": "No runtime attached within the attach window.",
            "session_abandoned": "The client sent nothing within the idle limit.",
            "runtime_error": "It broke.",
            "project_suspended": "The project or its organization was suspended.",
            "organization_suspended": "The project or its organization was suspended.",
            None: None,
        }
        return RECORD | {
            "session_id": str(model.id),
            "organization_id": str(machine.organization.id),
            "project_id": str(machine.project.id),
            "mode": model.mode,
            "status": model.status,
            "resolved_movespec_version_id": str(
                self.movespecs[model.project].current_released_version_id
            ),
            "accepted_frames_total": model.accepted_frames_total,
            "terminal_outcome": model.terminal_outcome,
            "created_at": on_the_wire(model.created_at),
            "started_at": on_the_wire(model.started_at),
            "ended_at": on_the_wire(model.ended_at),
            "deadline_at": on_the_wire(model.deadline_at),
            "error_code": model.error_code,
            "error_message": messages[model.error_code],
            "repetitions": dict(model.repetitions),
            "interrupted_total": model.interrupted_total,
            "summary": None,
            "quality": None,
        }


def on_the_wire(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def test_it_lives_by_the_lifecycle_table(
    owner: Machine, peer: Machine, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING", "kynaplatform.request")
    settings.MIDDLEWARE = []
    settings.SESSION_ATTACH_SECONDS = WINDOW.seconds
    settings.SESSION_IDLE_SECONDS = IDLE.seconds
    settings.SESSION_MAX_SECONDS = LONGEST.seconds
    settings.ACCESS_TOKEN_SECONDS = 86_400
    machines = [owner, peer]
    movespecs = [make_released(machine.project)[0] for machine in machines]
    run_state_machine_as_test(lambda: Lifecycle(machines, movespecs), settings=BOUNDED)


BOUNDED = settings(
    max_examples=settings.default.max_examples // 50,
    stateful_step_count=30,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
