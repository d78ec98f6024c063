"""The metrics of a runtime. With PROMETHEUS_MULTIPROC_DIR set, processes add up."""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25)

ATTACHED = Gauge(
    "kyna_stream_attached_sessions",
    "Sessions that a socket of this runtime holds.",
    multiprocess_mode="livesum",
)
FRAMES = Counter("kyna_stream_frames", "Frames of acknowledged batches.", ["outcome"])
REJECTED = Counter(
    "kyna_stream_rejected_frames", "Frames that were not taken, by reason.", ["reason"]
)
BATCHES = Counter(
    "kyna_stream_batches", "Batches: accepted once a frame of it was taken.", ["outcome"]
)
BATCH_SECONDS = Histogram(
    "kyna_stream_batch_seconds", "From a batch's arrival to its acknowledgement.", buckets=_SECONDS
)
CHECKPOINT_SECONDS = Histogram(
    "kyna_stream_checkpoint_seconds",
    "From a checkpoint's request until it is durable.",
    buckets=_SECONDS,
)
ATTACHES = Counter(
    "kyna_stream_attaches",
    "Sockets that asked for a session: attached, refused with an error, or failed, which may try "
    "again.",
    ["outcome"],
)
CLOSES = Counter(
    "kyna_stream_closes",
    "Closes of sockets by code: ours or the client's; 1006 is one that was lost without a word.",
    ["code"],
)
REFUSALS = Counter(
    "kyna_stream_refusals",
    "Sockets refused, or closed for what they did: by the error's code, or where none is told "
    "does_not_read, protocol_error, not_utf8, message_too_big, message_too_slow, "
    "messages_too_large_together.",
    ["code"],
)
FRAMES_ACCEPTED, FRAMES_REJECTED = FRAMES.labels("accepted"), FRAMES.labels("rejected")
ATTACHES_DONE, ATTACHES_REFUSED, ATTACHES_FAILED = (
    ATTACHES.labels(outcome) for outcome in ("attached", "refused", "failed")
)
BATCHES_ACCEPTED, BATCHES_REJECTED = BATCHES.labels("accepted"), BATCHES.labels("rejected")


# The series exist from the start, since a rate misses the first step of a new series. Other codes
# that clients close with share one series.
_CLOSES = {
    code: CLOSES.labels(str(code))
    for code in (
        *(1000, 1001, 1002, 1005, 1006, 1007, 1009, 1011, 1012, 1013),
        *(4400, 4401, 4403, 4404, 4408, 4409, 4410, 4413, 4429),
    )
}
_OTHER_CLOSES = CLOSES.labels("other")


def count_close(code: int) -> None:
    _CLOSES.get(code, _OTHER_CLOSES).inc()
