"""The command `confd-worker`. Modules that take time to import are imported by the commands that need them."""

from .about import config, openapi, services
from .calls import call, events, sync_tenants
from .database import migrate
from .dead import dead
from .main import main
from .run import gateway, run
from .status import status
from .up import up
from .users import export_users, import_users

__all__ = ["main"]

for command in (
    up,
    run,
    gateway,
    migrate,
    import_users,
    export_users,
    call,
    events,
    status,
    dead,
    services,
    openapi,
    config,
    sync_tenants,
):
    main.add_command(command)
