"""A queue in front of a function, as SQS and Lambda's event source mapping are: at least once.

A pure model on the World's clock. Order is first in, first out until ``random`` is given.
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(eq=False)
class Message:
    """A message; ``receives`` counts how often it was handed over."""

    body: str
    visible_at: datetime
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    receives: int = 0


class Queue:
    """One queue, of the template's properties for it and for what hands its messages over.

    ``buried`` has the bodies of messages that were received too often.
    """

    def __init__(self, clock, queue, mapping):
        policy = queue["RedrivePolicy"]
        self.visibility, self.batch_size = queue["VisibilityTimeout"], mapping["BatchSize"]
        self.max_receives = policy["maxReceiveCount"]
        self.dead_letters = policy["deadLetterTargetArn"].rpartition(":")[2]
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
        now, batch = self._clock(), []
        visible = [message for message in self.messages.values() if message.visible_at <= now]
        if self.random:
            self.random.shuffle(visible)
        for message in visible[: count or self.batch_size]:
            message.receives += 1
            if message.receives > self.max_receives:
                self.delete(message)
                self.buried.append(message.body)
            else:
                message.visible_at = now + timedelta(seconds=self.visibility)
                batch.append(message)
        return batch

    def delete(self, message):
        """Delete a message; one that is gone already is no matter."""
        self.messages.pop(message.id, None)
