"""When the time of a conversation is over, its sockets are cut: one thread watches over all conversations.

A timer for each would start a thread for each question, which cost a fifth of it.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import socket
import threading
from time import monotonic
from typing import Self


class Deadline:
    """Cuts the connections of one conversation when its time is over, whatever they are waiting for."""

    def __init__(self, after_s: float) -> None:
        self.is_over = self.has_ended = False
        self.at_s = monotonic() + after_s
        self._wires: list[socket.socket] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        _WATCH.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.has_ended = True
        with self._lock:
            for wire in self._wires:
                wire.close()
            self._wires.clear()

    def watch(self, wire: socket.socket) -> None:
        """Cut ``wire`` at the end; of a duplicate, because TLS takes the original away."""
        with self._lock:
            self._wires.append(wire.dup())
        if self.is_over:
            self.cut()

    def cut(self) -> None:
        """The time is over; of a conversation that has ended nothing is left to cut."""
        with self._lock:
            self.is_over = True
            for wire in self._wires:
                with contextlib.suppress(OSError):
                    wire.shutdown(socket.SHUT_RDWR)


class _Watch:
    """The thread, which lives from the first conversation of a process on."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Also in a process that was forked: the thread stayed behind, and its lock may be held there for ever."""
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Deadline]] = []
        self._numbers = itertools.count()
        self._is_alive = False

    def add(self, deadline: Deadline) -> None:
        """Mind a deadline. What has ended stays listed until its time, so that the thread is seldom woken up."""
        with self._changed:
            heapq.heappush(self._due, (deadline.at_s, next(self._numbers), deadline))
            if not self._is_alive:
                threading.Thread(target=self._mind, name="http-deadlines", daemon=True).start()
                self._is_alive = True
            elif self._due[0][2] is deadline:
                self._changed.notify()

    def _mind(self) -> None:
        while True:
            self._next().cut()

    def _next(self) -> Deadline:
        """Wait for the next deadline that comes while its conversation goes on."""
        with self._changed:
            while True:
                while self._due and self._due[0][2].has_ended:
                    heapq.heappop(self._due)
                left_s = self._due[0][0] - monotonic() if self._due else None
                if left_s is not None and left_s <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(left_s)


_WATCH = _Watch()
os.register_at_fork(after_in_child=_WATCH.begin_anew)
