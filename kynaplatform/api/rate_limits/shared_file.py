"""Rate limits of one machine: its threads and processes count in one mapped file."""

import fcntl
import mmap
import os
import secrets
import threading
import time
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from weakref import WeakSet

from . import SECOND, WINDOW, Decision, Limit, Usage, check_limits, decide

BUSY, TAIL, HEAD = range(3)  # words of the header; the boot id and the salt follow
MAX_STEPS = 10_000


class SharedFileCounter:
    """Counts in a file of `folder`, which must be on a local file system (Linux).

    The file is a ring of hits (time, hashed key) with an index over it. `head` moves by one store,
    when all hits of a call are written: a process killed at any instant leaves its call counted
    wholly or not at all. The kernel drops its lock, and whoever comes next finds `busy` set and
    builds the index again from the ring.

    `capacity` is the number of hits in a window, all keys together, at 36 bytes each, allocated at
    the start: 38 MB, and 17,000 hits a second. In the last quarter of it, a key without a hit in
    the window shares the count of one of `capacity / 2048` keys of its kind, under its own quota.
    So a flood of new addresses makes new addresses wait for one another; it neither unlocks nor
    denies a known key or another kind. When it ends, a newcomer may get its quota once more. A
    ring that is full all the same refuses until its oldest hit leaves.

    Time is the system's monotonic clock, which nobody sets back; a new boot starts empty. A `now`
    before the newest hit counts as the newest hit's time; over 60 s before it, as a new clock.

    A quota lowered below the count takes effect at once; `reset_seconds` is then too low where
    more than 10,000 hits must leave first.
    """

    _lock = -1

    def __init__(self, folder: str | os.PathLike[str], capacity: int = 1 << 20) -> None:
        if capacity < 4096 or capacity & (capacity - 1):
            raise ValueError(f"capacity is a power of two from 4096 on, not {capacity}.")
        self._capacity = capacity
        # Layout and capacity are in the name: no file is resized under a running process.
        self._path = Path(folder) / f"rate-limits-1-{capacity}"
        self._open_lock()
        wide, narrow = 8 * (capacity + 1), 4 * (capacity + 1)
        size = 64 + 2 * wide + 5 * narrow
        # A mapped write to a full disk would kill the process: reserve its blocks now.
        os.posix_fallocate(self._lock, 0, size)
        # A map keeps its file description open in forked children: never lock that one.
        with self._path.open("r+b") as file:
            view = memoryview(mmap.mmap(file.fileno(), size))
        self._header = view[:24].cast("Q")
        # Places in the ring are 1 to capacity; 0 is none.
        self._times = view[64 : 64 + wide].cast("q")
        self._keys = view[64 + wide : 64 + 2 * wide].cast("Q")
        # Of each key, only the newest hit is in a hash chain; it has the count and the oldest hit,
        # from which `following` leads back to the newest.
        index = view[64 + 2 * wide :]
        self._buckets, self._chain, self._counts, self._oldest, self._following = (
            index[narrow * n : narrow * (n + 1)].cast("I") for n in range(5)
        )
        self._bucket_bytes = index[:narrow]
        self._salt = self._begin(view[24:56])
        _counters.add(self)

    def hit(self, limits: Sequence[Limit], now: float | None = None) -> Decision:
        return self._count(limits, now, counting=True)

    def peek(self, limits: Sequence[Limit], now: float | None = None) -> Decision:
        return self._count(limits, now, counting=False)

    def __del__(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)

    def after_fork(self) -> None:
        """Stop sharing the parent's lock; called in each forked child."""
        os.close(self._lock)
        self._open_lock()

    def _open_lock(self) -> None:
        self._lock = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._threads = threading.Lock()

    def _begin(self, identity: memoryview) -> bytes:
        boot = _boot()
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            if identity[:16] != boot:
                self._clear()
                self._header[BUSY] = 0
                identity[16:] = secrets.token_bytes(16)
                identity[:16] = boot
            return bytes(identity[16:])
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _hash(self, key: str) -> int:
        # Salted, so that nobody can choose two names that share a count.
        digest = blake2b(key.encode(), digest_size=8, key=self._salt).digest()
        return int.from_bytes(digest, "little")

    def _count(self, limits: Sequence[Limit], now: float | None, *, counting: bool) -> Decision:
        check_limits(limits)
        keys = [self._hash(limit.key) for limit in limits]
        header = self._header
        with self._threads:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            try:
                if header[BUSY]:
                    self._rebuild()
                header[BUSY] = 1
                moment = self._move_to(time.monotonic() if now is None else now)
                usages = self._usages(limits, keys, moment)
                allowed = all(used < quota for quota, used, _ in usages)
                if allowed and counting:
                    usages = self._append(usages, keys, moment)
                header[BUSY] = 0
            finally:
                fcntl.flock(self._lock, fcntl.LOCK_UN)
        return decide(allowed, moment, usages)

    def _move_to(self, now: float) -> int:
        """Let the hits leave that are 60 s old; return the time to count with, mostly `now`."""
        moment = int(now * SECOND)
        header, mask = self._header, self._capacity - 1
        tail, head = header[TAIL], header[HEAD]
        if tail == head:
            return moment
        newest_time = self._times[(head - 1 & mask) + 1]
        if moment < newest_time:
            if moment < newest_time - WINDOW:
                self._clear()
                return moment
            moment = newest_time
        gone = moment - WINDOW
        if newest_time <= gone and head - tail > MAX_STEPS:
            self._clear()
            return moment
        times, keys, oldest = self._times, self._keys, self._oldest
        while tail < head and times[place := (tail & mask) + 1] <= gone:
            newest = self._find(keys[place])
            if newest == place:
                self._replace(keys[place], place, self._chain[place])
            else:
                oldest[newest] = self._following[place]
                self._counts[newest] -= 1
            tail += 1
        header[TAIL] = tail
        return moment

    def _usages(self, limits: Sequence[Limit], keys: list[int], moment: int) -> list[Usage]:
        """Look each limit up; in `keys`, put the shared key where a newcomer must use one."""
        tail = self._header[TAIL]
        free = self._capacity - (self._header[HEAD] - tail)
        usages = []
        for n, (key, quota) in enumerate(limits):
            newest = self._find(keys[n])
            if not newest and free <= self._capacity // 4:
                kind = key.partition(":")[0]
                keys[n] = self._hash(f"{kind} {keys[n] % (self._capacity // 2048)}")
                newest = self._find(keys[n])
            used, frees_at = 0, moment
            if newest:
                used, place = self._counts[newest], self._oldest[newest]
                if quota:
                    for _ in range(min(used - quota, MAX_STEPS)):
                        place = self._following[place]
                    frees_at = self._times[place]
            if free < len(limits) and used < quota:
                used, frees_at = quota, self._times[(tail & self._capacity - 1) + 1]
            usages.append(Usage(quota, used, frees_at))
        return usages

    def _append(self, usages: list[Usage], keys: list[int], moment: int) -> list[Usage]:
        head = self._header[HEAD]
        for key in keys:
            place = (head & self._capacity - 1) + 1
            self._times[place] = moment
            self._keys[place] = key
            self._link(place, key)
            head += 1
        self._header[HEAD] = head
        return [Usage(quota, used + 1, frees_at) for quota, used, frees_at in usages]

    def _find(self, key: int) -> int:
        """Return the place of the newest hit of `key`, or 0."""
        keys, chain = self._keys, self._chain
        place = self._buckets[key & self._capacity - 1]
        while place and keys[place] != key:
            place = chain[place]
        return place

    def _link(self, place: int, key: int) -> None:
        newest = self._find(key)
        if newest:
            self._following[newest] = place
            self._oldest[place] = self._oldest[newest]
            self._counts[place] = self._counts[newest] + 1
            self._chain[place] = self._chain[newest]
            self._replace(key, newest, place)
        else:
            bucket = key & self._capacity - 1
            self._oldest[place] = place
            self._counts[place] = 1
            self._chain[place] = self._buckets[bucket]
            self._buckets[bucket] = place

    def _replace(self, key: int, place: int, by: int) -> None:
        """Let what leads to `place` in the chain of `key` lead to `by`."""
        bucket = key & self._capacity - 1
        chain = self._chain
        before = self._buckets[bucket]
        if before == place:
            self._buckets[bucket] = by
            return
        while chain[before] != place:
            before = chain[before]
        chain[before] = by

    def _clear(self) -> None:
        self._header[TAIL] = self._header[HEAD]
        self._bucket_bytes[:] = bytes(len(self._bucket_bytes))

    def _rebuild(self) -> None:
        self._bucket_bytes[:] = bytes(len(self._bucket_bytes))
        for n in range(self._header[TAIL], self._header[HEAD]):
            place = (n & self._capacity - 1) + 1
            self._link(place, self._keys[place])


def _boot() -> bytes:
    """Name the boot in which the monotonic clock and the written pages make sense."""
    try:
        name = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    except OSError:
        name = b""
    return blake2b(name, digest_size=16).digest()


_counters: WeakSet[SharedFileCounter] = WeakSet()


def _after_fork() -> None:
    for counter in list(_counters):
        counter.after_fork()


os.register_at_fork(after_in_child=_after_fork)
