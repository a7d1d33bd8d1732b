"""`python -m confd_worker` is the command `confd-worker`."""

from .cli import main

main(prog_name="confd-worker")
