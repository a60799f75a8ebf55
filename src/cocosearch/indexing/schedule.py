"""When each project is inspected next, and when what failed is tried again."""

import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cocosearch.database.connection import Connection

FIRST_RETRY_SECONDS = 2.0
MAX_RETRY_SECONDS = 300.0
COUNT_SECONDS = 60.0
PAUSE_PER_COUNT = 1000.0
# So many lead to the longest pause; without an end a failure of days would grow beyond what a float holds.
MAX_DOUBLINGS = 10
# Of what will pass, such as a full disk: whoever makes room sees indexing go on within so long.
MAX_PASSING_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class ProjectEntry:
    """A project as the indexer finds it in the database."""

    project_id: int
    name: str
    root: Path
    # The time of a request that no run has answered yet.
    requested_at: datetime | None
    digest: bytes | None
    model_id: int | None
    vectors_complete: bool


def read_projects(session: Connection) -> list[ProjectEntry]:
    """What is changed in an index that serves comes before what is indexed for the first time."""
    rows = session.execute(
        """
        SELECT id, name, root, CASE WHEN state = 'waiting' OR started_at IS NULL OR requested_at > started_at THEN requested_at END,
               listing_digest, model_id, vectors_complete AND coalesce(refusals_due_at > now(), true)
        FROM projects ORDER BY indexed_at IS NULL, requested_at
        """
    )
    return [ProjectEntry(row[0], row[1], Path(row[2]), row[3], bytes(row[4]) if row[4] else None, row[5], row[6]) for row in rows]


@dataclass(slots=True)
class _Failure:
    """The last failure of a project."""

    reason: str
    # Of the files that it failed with, where they were seen.
    digest: bytes | None
    count: int
    next_try: float


@dataclass(slots=True)
class Schedule:
    """Times by the clock of `time.monotonic`."""

    next_inspection: dict[int, float] = field(default_factory=dict)
    # Processor time of each project's last inspection.
    costs: dict[int, float] = field(default_factory=dict)
    _failures: dict[int, _Failure] = field(default_factory=dict)
    # When the rows of each may be counted again.
    next_count: dict[int, float] = field(default_factory=dict)
    # Requests that have had their inspection: each is worth one that does not wait.
    _heard: dict[int, datetime] = field(default_factory=dict)

    def asks(self, entry: ProjectEntry) -> bool:
        """Whether somebody asks for it who has not been heard yet."""
        return entry.requested_at is not None and entry.requested_at != self._heard.get(entry.project_id)

    def is_due(self, entry: ProjectEntry) -> bool:
        """Whether it is time to inspect the project."""
        return self.asks(entry) or time.monotonic() >= self.next_inspection.get(entry.project_id, 0.0)

    def hear(self, entry: ProjectEntry) -> bool:
        """The inspection begins; returns whether somebody had asked for it."""
        asked = self.asks(entry)
        if entry.requested_at is not None:
            self._heard[entry.project_id] = entry.requested_at
        return asked

    def unhear(self, project_id: int) -> None:
        """The request is to have another inspection, for nothing came of this one."""
        self._heard.pop(project_id, None)

    def may_try(self, entry: ProjectEntry, digest: bytes | None) -> bool:
        """Whether what failed with files of this digest may be tried again. Other files may be better ones, if the old rows are whole."""
        failure = self._failures.get(entry.project_id)
        if failure is None or time.monotonic() >= failure.next_try:
            return True
        return entry.digest is not None and digest not in {None, entry.digest, failure.digest}

    def inspected(self, project_id: int, pause: float) -> None:
        """The next inspection is so many seconds away."""
        self.next_inspection[project_id] = time.monotonic() + pause

    def may_count(self, project_id: int) -> bool:
        """Whether the rows of the project were not counted lately."""
        return time.monotonic() >= self.next_count.get(project_id, 0.0)

    def counted(self, project_id: int, took: float) -> None:
        """The rows were counted: in so many seconds of the database's time, a thousandth of which this may take."""
        self.next_count[project_id] = time.monotonic() + max(COUNT_SECONDS, PAUSE_PER_COUNT * took)

    def succeeded(self, project_id: int) -> None:
        """Nothing is to be tried again."""
        self._failures.pop(project_id, None)

    def failed(self, project_id: int, reason: str, digest: bytes | None, *, will_pass: bool = False) -> bool:
        """Wait longer after each failure; returns whether the reason is another one than the last time."""
        last = self._failures.get(project_id)
        count = last.count + 1 if last else 0
        pause = min(MAX_PASSING_SECONDS if will_pass else MAX_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** min(count, MAX_DOUBLINGS))
        self._failures[project_id] = _Failure(reason, digest, count, time.monotonic() + pause)
        return last is None or last.reason != reason

    def next_try(self, project_id: int) -> float:
        """When what failed is tried again."""
        return self._failures[project_id].next_try

    def forget_all_but(self, project_ids: set[int]) -> None:
        """Projects that were cleared are nobody's any more."""
        for known in (self.next_inspection, self.costs, self.next_count, self._failures, self._heard):
            for gone in known.keys() - project_ids:
                known.pop(gone)

    def try_all_again(self) -> None:
        """What they failed for is over: the model is there again."""
        for failure in self._failures.values():
            failure.next_try = 0.0
