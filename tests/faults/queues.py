"""A queue in front of a function, as SQS and Lambda's event source mapping are: at least once.

A pure model on the World's clock. Its settings (visibility, maxReceiveCount, batch size) are the
template's. Order is first in, first out until ``random`` is given.
"""

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta

_ids = itertools.count(1)


@dataclass(eq=False)
class Message:
    """A message; ``receives`` counts how often it was handed over."""

    body: str
    visible_at: datetime
    id: str = field(default_factory=lambda: f"{next(_ids):08x}-0000-4000-8000-000000000000")
    receives: int = 0


class Queue:
    """One queue; ``buried`` has the bodies of messages that were received too often."""

    def __init__(self, clock, settings):
        self.visibility = settings.visibility
        self.max_receives = settings.max_receives
        self.batch_size = settings.batch_size
        self.dead_letters = settings.dead_letters
        self.messages, self.buried = {}, []
        self.random = None
        self._clock = clock

    def __len__(self):
        return len(self.messages)

    def send(self, body, delay=0):
        """Put a message there; it can be received after ``delay`` seconds."""
        message = Message(body, self._clock() + timedelta(seconds=delay))
        self.messages[message.id] = message
        return message

    def receive(self, count=None):
        """Take a batch; its messages are hidden, not gone, until they are deleted."""
        batch = []
        for message in self._next(count or self.batch_size):
            message.receives += 1
            if message.receives > self.max_receives:
                self.delete(message)
                self.buried.append(message.body)
            else:
                message.visible_at = self._clock() + timedelta(seconds=self.visibility)
                batch.append(message)
        return batch

    def _next(self, count):
        now = self._clock()
        visible = (message for message in self.messages.values() if message.visible_at <= now)
        if self.random is None:
            return list(itertools.islice(visible, count))
        some = list(visible)
        return self.random.sample(some, min(count, len(some)))

    def delete(self, message):
        """Delete a message; one that is gone already is no matter."""
        self.messages.pop(message.id, None)
