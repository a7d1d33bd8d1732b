"""RPC names: what follows from a path, and which names are alike."""

import pytest
from confd_schemas.rpc_names import nearest, rpc_name

KNOWN = ("groups.update", "groups.get", "group_members_users.replace", "user_lines.associate", "users.list")


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/users", "users.list"),
        ("POST", "/users", "users.create"),
        ("GET", "/users/{id}", "users.get"),
        ("HEAD", "/users/{id:id}", "users.exists"),
        ("PUT", "/users/{id}", "users.update"),
        ("DELETE", "/users/{id}", "users.delete"),
        ("PUT", "/users/{user_id}/lines/{line_id}", "user_lines.associate"),
        ("DELETE", "/users/{user_id:id}/lines/{line_id:int}", "user_lines.dissociate"),
        ("PUT", "/users/{user_id}/lines", "user_lines.replace"),
        ("PUT", "/groups/{group_uuid}/members/users", "group_members_users.replace"),
        ("GET", "/endpoints/sip/templates", "endpoints_sip_templates.list"),
        ("PUT", "/lines/{line_id}/endpoints/sip/{endpoint_uuid}", "line_endpoints_sip.associate"),
        ("GET", "/phone-numbers/{uuid}", "phone_numbers.get"),
        ("GET", "/users/{user_uuid}/lines/{line_id:main|other}", None),
    ],
)
def test_a_name_follows_from_the_path(method: str, path: str, name: str | None) -> None:
    if name is None:
        with pytest.raises(ValueError, match="must be given"):
            rpc_name(method, path)
    else:
        assert rpc_name(method, path) == name


def test_what_does_not_follow_is_given() -> None:
    assert rpc_name("GET", "/asterisk/rtp/general", "get") == "asterisk_rtp_general.get"
    assert rpc_name("GET", "/users/export", "users.export") == "users.export"


@pytest.mark.parametrize(
    ("wanted", "best"),
    [
        ("groups.edit", "groups.update"),
        ("groups.show", "groups.get"),
        ("user_line.associate", "user_lines.associate"),
        ("groups.members.users.edit", "group_members_users.replace"),
        ("usrs.list", "users.list"),
        ("nonsense.xyzzy", None),
    ],
)
def test_the_nearest_name_is_told(wanted: str, best: str | None) -> None:
    assert next(iter(nearest(wanted, KNOWN)), None) == best
