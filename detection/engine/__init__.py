"""The engine: from pose frames to detection events, by a MoveSpec."""
