"""The file of tokens for development."""

import asyncio

import pytest
from confd_gateway.auth_static import StaticAuth
from confd_gateway.errors import NotMaster, TokenRefused
from confd_gateway.settings import ConfigurationError, GatewaySettings
from gateway_fakes import CHILD, MASTER, OTHER, USER


@pytest.fixture
def auth(tokens_file):
    return StaticAuth.from_file(tokens_file)


def access(auth, token, acl="confd.things.read", tenant="", master_only=False):
    return asyncio.run(auth.access(token, acl, tenant, master_only=master_only))


def test_a_token_acts_in_its_tenant_and_sees_those_below(auth):
    known = access(auth, "all")
    assert (known.tenant_uuid, known.user_uuid) == (MASTER, USER)
    assert set(known.visible) == {MASTER, CHILD, OTHER}
    assert access(auth, "all", tenant=CHILD.upper()).visible == (CHILD,)
    assert access(auth, "all", master_only=True)


@pytest.mark.parametrize(
    ("token", "asked", "error"),
    [
        ("", {}, TokenRefused),
        ("nobody", {}, TokenRefused),
        ("child", {"tenant": MASTER}, TokenRefused),
        ("child", {"tenant": OTHER}, TokenRefused),
        ("all", {"tenant": "10000000-0000-4000-8000-00000000dead"}, TokenRefused),
        ("all", {"tenant": "no uuid"}, TokenRefused),
        ("reader", {"acl": "confd.things.create"}, TokenRefused),
        ("reader", {"acl": "confd.things.7.read"}, TokenRefused),
        ("child", {"master_only": True}, NotMaster),
    ],
)
def test_others_are_refused(auth, token, asked, error):
    with pytest.raises(error) as refused:
        access(auth, token, **asked)
    assert refused.value.status == 401


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("- a", "must hold the keys tenants and tokens"),
        ("tenants: [", "line 2: not YAML"),
        ("tenants: []", "tenants: must be a list of at least one entry"),
        ("tenants: [{id: 1}]", r"tenants\[0\]: must be an object with keys name, parent_uuid, slug, uuid"),
        ("tenants: [{uuid: abc}]", r"tenants\[0\]: uuid: must be a uuid as text, not 'abc'"),
        (f"tenants: [{{uuid: {MASTER}, parent_uuid: {CHILD}}}]", "is not among them"),
        (f"tenants: [{{uuid: {MASTER}}}, {{uuid: {CHILD}}}]", "exactly one must have no parent_uuid"),
        (
            f"tenants: [{{uuid: {MASTER}, parent_uuid: {CHILD}}}, {{uuid: {CHILD}, parent_uuid: {MASTER}}}]",
            "above itself",
        ),
        (f"tenants: [{{uuid: {MASTER}}}]\ntokens: [{{token: 1}}]", r"tokens\[0\]: token: must be a text"),
        (
            f"tenants: [{{uuid: {MASTER}}}]\ntokens: [{{token: a, tenant_uuid: {CHILD}}}]",
            r"tokens\[0\]: tenant_uuid: must be the uuid of one of the tenants",
        ),
        (
            f"tenants: [{{uuid: {MASTER}}}]\ntokens: [{{token: a, tenant_uuid: {MASTER}, acl: confd}}]",
            r"tokens\[0\]: acl: must be a list of texts",
        ),
    ],
)
def test_a_bad_file_is_refused_with_the_entry_and_what_is_allowed(tmp_path, content, problem):
    file = tmp_path / "tokens.yml"
    file.write_text(content + "\n")
    with pytest.raises(ConfigurationError, match=problem) as refused:
        StaticAuth.from_file(str(file))
    assert str(file) in str(refused.value)


def test_a_missing_file_is_refused():
    with pytest.raises(ConfigurationError, match=r"/nowhere\.yml: cannot be read"):
        StaticAuth.from_file("/nowhere.yml")


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"auth_mode": "none", "host": "0.0.0.0"}, "loopback"),
        ({"auth_mode": "none", "host": "example.org"}, "loopback"),
        ({"auth_mode": "static"}, "auth_tokens: must be"),
        ({"auth_mode": "wazo"}, "auth_url: must be"),
        ({"auth_mode": "other"}, "auth_mode: must be one of wazo, static, none"),
        ({"auth_mode": "none", "amqp_uri": "http://a"}, "amqp_uri"),
        ({"auth_mode": "none", "timeout": 0}, "timeout"),
        ({"auth_mode": "none", "headers_seconds": 0}, "headers_seconds: must be more than 0 seconds"),
        ({"auth_mode": "none", "idle": -1}, "idle: must be more than 0 seconds"),
        ({"auth_mode": "none", "stall": 0}, "stall: must be more than 0 seconds"),
        ({"auth_mode": "none", "connections": -1}, "connections: must be"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(changed, problem):
    with pytest.raises(ConfigurationError, match=problem):
        GatewaySettings(**({"amqp_uri": "amqp://localhost/"} | changed)).check()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "localhost"])
def test_no_authentication_is_allowed_on_loopback(host):
    GatewaySettings(amqp_uri="amqp://localhost/", auth_mode="none", host=host).check()
