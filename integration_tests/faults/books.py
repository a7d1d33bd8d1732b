"""The books: what the callers know, the rows and the events are held against each other."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .calls import Call, Effect, State
from .recorder import Told
from .stage import Stage

__all__ = ["Findings", "Rows", "check"]

# How long a busy machine may take from the look at the deadline to the begin of the transaction, in seconds.
GRACE = 0.5
SHOWN = 5

NAMED = {
    "user": "SELECT lastname, uuid::text FROM users WHERE tenant_uuid = %(tenant)s AND lastname IS NOT NULL",
    "voicemail": "SELECT name, id::text FROM voicemails WHERE tenant_uuid = %(tenant)s",
    "line": "SELECT coalesce(exten, ''), lines.id::text FROM lines LEFT JOIN line_extensions ON line_id = lines.id "
    "LEFT JOIN extensions ON extensions.id = extension_id WHERE lines.tenant_uuid = %(tenant)s",
    "extension": "SELECT exten, id::text FROM extensions WHERE tenant_uuid = %(tenant)s",
    "user_voicemail": "SELECT lastname || '/' || name, users.uuid || '/' || voicemails.id "
    "FROM users JOIN voicemails ON voicemails.id = voicemail_id WHERE users.tenant_uuid = %(tenant)s",
    "user_line": "SELECT lastname || '/' || coalesce(exten, ''), users.uuid || '/' || user_lines.line_id "
    "FROM user_lines JOIN users ON users.id = user_id "
    "LEFT JOIN line_extensions ON line_extensions.line_id = user_lines.line_id "
    "LEFT JOIN extensions ON extensions.id = extension_id WHERE users.tenant_uuid = %(tenant)s",
    "sip_endpoint": "SELECT uuid::text, uuid::text FROM endpoint_sip WHERE tenant_uuid = %(tenant)s",
}
"""By kind: the name that the caller gave to each row, and its id as events tell it."""
USERS = """
    SELECT lastname, subscription_type, extract(epoch FROM created_at AT TIME ZONE 'utc')
    FROM users WHERE tenant_uuid = %(tenant)s
"""
UNCALLED_KINDS = {"extension", "sip_endpoint"}
BEGINS, ENDS = ("created", "associated"), ("deleted", "dissociated")


@dataclass
class Findings:
    """What was counted, and what was found wrong, by the column of the table."""

    wrong: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def note(self, column: str, text: str) -> None:
        """Something is wrong."""
        self.wrong[column].append(text)

    def count(self, column: str) -> int:
        """How much is wrong."""
        return len(self.wrong[column])

    def story(self) -> str:
        """The first few of each, for people."""
        return "\n".join(f"  {column}: {text}" for column, texts in self.wrong.items() for text in texts[:SHOWN])


class Rows:
    """The rows of a tenant.

    Attributes:
        named: ids by kind and the name that the caller gave.
        ids: all ids by kind.
        values: the value that the last edit of each user left.
        made: Unix time at which the transaction of each user began.
    """

    def __init__(self, stage: Stage, tenant: str) -> None:
        self.named: dict[Effect, list[str]] = defaultdict(list)
        self.ids: dict[str, set[str]] = {}
        with stage.database() as cursor:
            for kind, query in NAMED.items():
                cursor.execute(query, {"tenant": tenant})
                found = cursor.fetchall()
                self.ids[kind] = {identity for _, identity in found}
                for name, identity in found:
                    self.named[kind, name].append(identity)
            cursor.execute(USERS, {"tenant": tenant})
            users = cursor.fetchall()
        self.values = {name: value for name, value, _ in users}
        self.made = {name: float(made) for name, _, made in users}


def check(calls: Sequence[Call], told: Sequence[Told], rows: Rows) -> Findings:
    """Hold calls, events and rows against each other.

    Args:
        calls: all that were made.
        told: each event once, in the order in which they came.
    """
    findings = Findings()
    for call in calls:
        if call.oddity or not call.settled:
            findings.note("odd", f"{call.method} {call.arguments}: {call.oddity or 'never answered'}")
    _check_rows(calls, rows, findings)
    _check_lateness(calls, rows, findings)
    stories = _stories(told)
    _check_stories(stories, calls, rows, findings)
    _check_edits(calls, stories, rows, findings)
    return findings


def _check_rows(calls: Sequence[Call], rows: Rows, findings: Findings) -> None:
    """Every acknowledged call's effect is there once, and there is none without a call."""
    makers = {effect: call for call in calls for effect in call.makes}
    removers = {effect: call for call in calls for effect in call.removes}
    for effect, maker in makers.items():
        found, remover = rows.named.get(effect, []), removers.get(effect)
        least = maker.state is State.ACKNOWLEDGED and remover is None
        most = maker.state is not State.REFUSED and (remover is None or remover.state is not State.ACKNOWLEDGED)
        what = f"{' '.join(effect)}: {len(found)} rows; {_told(maker)}; {_told(remover)}"
        if len(found) > 1:
            findings.note("doubled", what)
        elif len(found) < least:
            findings.note("lost", what)
        elif len(found) > most:
            findings.note("uncalled" if maker.state is State.REFUSED else "lost", what)
    for call in calls:
        there = {len(rows.named.get(effect, [])) for effect in call.makes if effect not in removers}
        if len(there) > 1:
            findings.note("lost", f"half of {_told(call)} {call.arguments} is there")
    for effect, found in rows.named.items():
        if effect not in makers and effect[0] not in UNCALLED_KINDS:
            findings.note("uncalled", f"{' '.join(effect)}: {len(found)} rows")


def _check_lateness(calls: Sequence[Call], rows: Rows, findings: Findings) -> None:
    """No call begins after its deadline."""
    for call in calls:
        if call.state is State.UNKNOWN:
            for kind, name in call.makes:
                made = rows.made.get(name, 0) if kind == "user" else 0
                if made > call.deadline + GRACE:
                    late = f"begun {made - call.deadline:.1f} s after its deadline"
                    findings.note("late", f"{_told(call)} {name}: {late}")


Stories = dict[tuple[str, str], list[tuple[str, Told]]]


def _stories(told: Iterable[Told]) -> Stories:
    """What each item's events tell of it, in their order."""
    stories: Stories = defaultdict(list)
    for event in told:
        kind, _, word = event.name.rpartition("_")
        identity = _identity(kind, event.data)
        if identity is not None:
            stories[kind, identity].append((word, event))
    return stories


def _identity(kind: str, data: dict[str, Any]) -> str | None:
    match kind:
        case "user" | "sip_endpoint":
            return str(data["uuid"])
        case "voicemail" | "line" | "extension":
            return str(data["id"])
        case "user_voicemail":
            return f"{data['user_uuid']}/{data['voicemail_id']}"
        case "user_line":
            return f"{data['user']['uuid']}/{data['line']['id']}"
    return None


def _check_stories(stories: Stories, calls: Sequence[Call], rows: Rows, findings: Findings) -> None:
    """Every row has its events, every event its row, and each item begins before it ends."""
    replies = {(kind, _replied(kind, call)) for call in calls for kind in ("user", "voicemail", "line")}
    there = {(kind, identity) for kind, ids in rows.ids.items() for identity in ids}
    removed = {effect for call in calls if call.state is not State.REFUSED for effect in call.removes}
    gone = {(kind, _replied(kind, call)) for call in calls for kind, name in call.makes if (kind, name) in removed}
    for item in {*stories, *there, *(reply for reply in replies if reply[1])}:
        words = [word for word, _ in stories.get(item, [])]
        alive = _walk(item, words, findings)
        if not words or (item in there and not alive) or (item in gone and item not in there and alive):
            findings.note("events lost", f"{item[0]} {item[1]}: {words}; {'there' if item in there else 'gone'}")
        elif alive and item not in there:
            findings.note("invented", f"{item[0]} {item[1]}: {words}; there is no such row")


def _walk(item: tuple[str, str], words: Sequence[str], findings: Findings) -> bool:
    """Whether the item is there when all has been told."""
    alive = False
    for word in words:
        if word in BEGINS:
            if alive:
                findings.note("doubled", f"{item[0]} {item[1]}: {words}")
            alive = True
        elif not alive:
            findings.note("out of order", f"{item[0]} {item[1]}: {words}")
        elif word in ENDS:
            alive = False
    return alive


def _check_edits(calls: Sequence[Call], stories: Stories, rows: Rows, findings: Findings) -> None:
    """Each edit of a user is told once, in the order in which they were made; the row is as the last one tells."""
    edits: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        if call.user:
            edits[call.user].append(call)
    makers = {name: call for call in calls for kind, name in call.makes if kind == "user"}
    for name, made in edits.items():
        story = stories.get(("user", makers[name].reply["uuid"]), [])
        told = [event.data["subscription_type"] for word, event in story if word == "edited"]
        _compare(name, made, told, findings)
        if told and name in rows.values and rows.values[name] != told[-1]:
            findings.note("out of order", f"user {name}: its row has {rows.values[name]}, its last event {told[-1]}")


def _compare(name: str, made: Sequence[Call], told: Sequence[int], findings: Findings) -> None:
    sure = Counter(call.value for call in made if call.state is State.ACKNOWLEDGED)
    perhaps = sure + Counter(call.value for call in made if call.state is State.UNKNOWN)
    heard = Counter(told)
    what = f"user {name}: edits {[f'{call.value} {call.state}' for call in made]}, told {list(told)}"
    for value in (sure - heard).elements():
        findings.note("events lost", f"{what}; not told: {value}")
    for value in (heard - perhaps).elements():
        findings.note("doubled" if value in perhaps else "uncalled", f"{what}; too much: {value}")
    # Edits that were made at once may come in any order, but none before an edit that was known when it was sent.
    place = {call.value: call.begun for call in made}
    ordered = [place.get(value, 0) for value in told]
    if not heard - perhaps and len(made) <= len(place) and ordered != sorted(ordered):
        findings.note("out of order", what)


def _replied(kind: str, call: Call) -> str:
    """The id of what a call has made, as its reply tells; empty where it does not."""
    if call.state is not State.ACKNOWLEDGED or kind not in {made for made, _ in call.makes}:
        return ""
    reply = call.reply
    service = call.method.partition(".")[0]
    if kind == "user" and service == "users":
        return str(reply["uuid"])
    if service == "users":
        inner = reply["voicemail"] if kind == "voicemail" else reply["lines"][0] if kind == "line" else {}
        return str(inner.get("id", ""))
    return str(reply["id"]) if isinstance(reply, dict) else ""


def _told(call: Call | None) -> str:
    return "nobody" if call is None else f"{call.method} ({'keyed' if call.key else 'unkeyed'}) {call.state}"
