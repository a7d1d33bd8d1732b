"""The accounts that users get in the authentication server, by an import or a nested body, and an export tells of."""

import csv
import io
import json
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from confd_worker.config import Settings
from confd_worker.conformance.system import System
from confd_worker.core import errors
from confd_worker.core.context import Context
from confd_worker.core.database.engine import Database
from confd_worker.core.work import Facts, Work
from confd_worker.services.users.imports import ImportFailed
from confd_worker.services.users.users import Users

from ..world import Call


def _csv(*rows: dict[str, str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


class Accounts:
    """An authentication server that keeps accounts, and refuses a name that is there already, or is `taken`."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        accounts = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                if self.path.endswith("/token"):
                    return self._answer(200, {"data": {"token": "t", "metadata": {"tenant_uuid": "x"}}})
                names = {each["username"] for each in accounts.kept.values()} | {"taken"}
                if body["username"] in names:
                    return self._answer(409, {"reason": "username is taken"})
                accounts.kept[body["uuid"]] = body | {"tenant": self.headers["Wazo-Tenant"]}
                return self._answer(200, body)

            def do_GET(self) -> None:
                tenant, uuid_ = self.headers["Wazo-Tenant"], self.path.rpartition("/")[2]
                if uuid_ != "users":
                    account = accounts.kept.get(uuid_)
                    return self._answer(200 if account else 404, account)
                listed = [each for each in accounts.kept.values() if each["tenant"] == tenant]
                return self._answer(200, {"items": listed})

            def do_DELETE(self) -> None:
                account = accounts.kept.pop(self.path.rpartition("/")[2], None)
                self._answer(204 if account else 404, None)

            def _answer(self, status: int, content: Any) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(content).encode() if content is not None else b"")

            def log_message(self, *words: object) -> None:
                """Be quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def accounts() -> Iterator[Accounts]:
    accounts = Accounts()
    yield accounts
    accounts.server.shutdown()
    accounts.server.server_close()


@pytest.fixture
def users(accounts: Accounts, system: System, tenant: str) -> Iterator[Users]:
    """The service of users, in this process, which knows the authentication server."""
    settings = Settings(
        db_uri=system.db_uri, amqp_uri=system.amqp_uri, auth_mode="wazo", auth_url=accounts.url, auth_username="confd",
        auth_password="secret",
    )  # fmt: skip
    database = Database(settings.db_uri, connections=1)
    users = Users()
    users.work = Work(database, Context(tenant_uuid=tenant, visible=(tenant,)), Facts(settings, "", lambda: None))
    yield users
    database.close()


def test_every_user_gets_an_account(users: Users, accounts: Accounts, call: Call, tenant: str) -> None:
    word = uuid.uuid4().hex
    rows = [
        {"firstname": "A", "lastname": "B", "email": f"{word}@acme.example", "username": word, "password": "pass"},
        {"firstname": "C", "email": f"c-{word}@acme.example"},
        {"firstname": "D"},
    ]
    created = [made["user_uuid"] for made in json.loads(orjson.dumps(users.import_(_csv(*rows))))["created"]]
    first, second, third = (accounts.kept[uuid_] for uuid_ in created)
    assert first == {
        "uuid": created[0], "username": word, "password": "pass", "firstname": "A", "lastname": "B",
        "email_address": f"{word}@acme.example", "enabled": True, "tenant": tenant,
    }  # fmt: skip
    assert (second["username"], third["username"]) == (f"c-{word}@acme.example", created[2])
    assert call("users.get", id=created[0])["username"] is None
    call("users.create", body={"firstname": "E", "username": f"own-{word}"})
    exported = {row["firstname"]: row["username"] for row in csv.DictReader(io.StringIO(users.export()))}
    assert exported == {"A": word, "C": f"c-{word}@acme.example", "D": created[2], "E": ""}


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"firstname": "B", "username": "taken"}, '409 {"reason": "username is taken"}'),
        ({"firstname": "", "username": "other"}, "{'firstname': ['Field may not be null.']}"),
        ({"firstname": "B", "username": "x"}, "{'username': ['String does not match expected pattern.']}"),
    ],
)
def test_no_account_is_left_of_an_import_that_is_refused(
    second: dict[str, str], message: str, users: Users, accounts: Accounts, call: Call
) -> None:
    with pytest.raises(ImportFailed) as refused:
        users.import_(_csv({"firstname": "A", "username": "anyone"}, second))
    assert [(row["details"]["row_number"], row["message"]) for row in refused.value.rows] == [(2, message)]
    assert accounts.kept == {}
    assert call("users.list")["total"] == 0


def _create(users: Users, **body: Any) -> Any:
    return json.loads(orjson.dumps(users.create({"firstname": "Alice", "lastname": "Martin", **body})))


def test_a_nested_account_takes_from_the_user_what_its_body_leaves_out(
    users: Users, accounts: Accounts, tenant: str
) -> None:
    word = uuid.uuid4().hex
    made = _create(users, email=f"{word}@acme.example", auth={"password": "secret", "lastname": "", "purpose": "user"})
    assert accounts.kept[made["uuid"]] == {
        "uuid": made["uuid"], "username": f"{word}@acme.example", "password": "secret", "firstname": "Alice",
        "lastname": "Martin", "email_address": f"{word}@acme.example", "enabled": True, "tenant": tenant,
    }  # fmt: skip
    assert made["auth"]["uuid"] == made["uuid"]


@pytest.mark.parametrize(
    "body", [{"auth": {"username": "taken"}}, {"auth": {}, "voicemail": {"number": "1", "context": "nowhere"}}]
)
def test_neither_user_nor_account_is_left_of_a_nested_body_that_is_refused(
    body: dict[str, Any], users: Users, accounts: Accounts, call: Call
) -> None:
    with pytest.raises(errors.ServiceError):
        _create(users, **body)
    assert accounts.kept == {}
    assert call("users.list")["total"] == 0


def test_a_repeated_call_makes_one_user_and_one_account_wherever_it_was_cut_off(
    users: Users, accounts: Accounts, call: Call, tenant: str
) -> None:
    context = Context(tenant_uuid=tenant, visible=(tenant,), key=f"key:{uuid.uuid4()}", keyed=True)
    users.work = Work(users.work._database, context, users.work._facts)
    cut_off = str(users.work.stable_uuid())
    accounts.kept[cut_off] = {"uuid": cut_off, "username": "alice", "tenant": tenant}
    first = _create(users, auth={"username": "alice"})
    assert first["uuid"] == cut_off
    assert _create(users, auth={"username": "alice"}) == first
    assert list(accounts.kept) == [cut_off]
    assert call("users.list")["total"] == 1


def test_the_account_goes_with_a_user_who_is_deleted_with_all_that_is_his(users: Users, accounts: Accounts) -> None:
    made = _create(users, auth={})
    for _ in range(2):
        users.remove_account({"uuid": made["uuid"]})
        assert accounts.kept == {}
