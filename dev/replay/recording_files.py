"""The recording file of a command. A file that is none ends the command with the reason."""

from pathlib import Path

from django.core.management.base import CommandError

from dev.poses.recordings import Recording, RecordingInvalid, load


def read_recording(path: Path) -> Recording:
    try:
        recording = load(path)
    except RecordingInvalid as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    if not recording.pose_frames():
        raise CommandError(f"{path} shows nobody: it has no frame with a pose.")
    return recording
