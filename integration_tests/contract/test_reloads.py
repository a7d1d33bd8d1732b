"""What the system daemon is told of changes to options and small resources."""

from confd_worker.client import Client
from confd_worker.conformance.system import System

from ..test_sysconfd import Daemon, _idle, client, daemon  # noqa: F401

RESTART = ("POST", "/services", {"wazo-phoned": "restart"})


def test_each_edit_reloads_its_module_and_access_features_restart_their_daemon(
    client: Client,  # noqa: F811
    daemon: Daemon,  # noqa: F811
    system: System,
) -> None:
    edits = {
        "asterisk_rtp_general.update": "module reload res_rtp_asterisk.so",
        "asterisk_rtp_ice_host_candidates.update": "module reload res_rtp_asterisk.so",
        "asterisk_iax_general.update": "iax2 reload",
        "asterisk_sccp_general.update": "module reload chan_sccp.so",
        "asterisk_voicemail_general.update": "voicemail reload",
        "asterisk_voicemail_zonemessages.update": "voicemail reload",
    }
    held = {method: client.call(f"{method.rpartition('.')[0]}.get") for method in edits}
    for method, command in edits.items():
        client.call(method, body=held[method])
        _idle(client, daemon, system)
        assert daemon.asked.pop() == ("POST", "/exec_request_handlers", {"ipbx": [command]})

    feature = client.call("access_features.create", body={"host": "192.0.2.1"})["id"]
    client.call("access_features.update", id=feature, body={"enabled": False})
    client.call("access_features.delete", id=feature)
    _idle(client, daemon, system)
    assert daemon.asked == [RESTART] * 3
