"""What every operation must honour that the gateway offers."""

import uuid
from collections.abc import Callable

import httpx
import orjson
from confd_schemas.spec import Operation

from .system import MASTER_TOKEN

UNKNOWN = {"int": "2000000000", "uuid": str(uuid.uuid4()), "id": "2000000000"}


def test_every_read_is_answered_and_refused_without_a_token(
    operations: list[Operation], http: Callable[..., httpx.Response]
) -> None:
    for operation in operations:
        if operation.method != "GET" or operation.acl is None:
            continue
        ids = {name: UNKNOWN.get(kind, kind.split("|")[0]) for name, kind in operation.variables.items()}
        path = operation.plain_path.format(**ids)
        answer = http("GET", path, token=MASTER_TOKEN)
        assert answer.status_code in (200, 404, 503), (path, answer.text)
        head = http("HEAD", path, token=MASTER_TOKEN)
        assert (head.status_code, head.content) == (answer.status_code, b"")
        assert http("GET", path, token=None).status_code == 401
        assert "GET" in http("OPTIONS", path, token=None).headers["allow"]
        if answer.headers["content-type"] == "application/json":
            assert orjson.loads(answer.content) is not None
