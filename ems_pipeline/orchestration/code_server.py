"""`dagster code-server start`, but one whose code has died ends, so that whoever keeps it alive starts it again.

Dagster's server loads the code in a process of its own and hands every question on to it. When that process is killed
(out of memory, say) the server goes on listening and answers nothing any more: no sensor is asked, nothing is measured,
planned or released, and nobody notices.
"""

import argparse
import os
import sys
import threading
import time
from typing import Any

LOOK_S = 5.0
FAILED_LOOKS = 3


def has_lost_its_code(client: Any) -> bool:
    """Whether a server answers for itself and its code does not; a busy one that takes its time does."""
    from dagster._core.errors import DagsterUserCodeUnreachableError

    try:
        client.heartbeat()
    except DagsterUserCodeUnreachableError:
        return False  # it does not listen yet: its code is loading
    try:
        client.ping("")
    except DagsterUserCodeUnreachableError as error:
        cause: Any = error.__cause__
        return not hasattr(cause, "code") or cause.code().name != "DEADLINE_EXCEEDED"
    return False


def end_without_code(arguments: list[str]) -> None:
    """Look every few seconds; end this process when its code is gone."""
    from dagster._grpc.client import DagsterGrpcClient

    parser = argparse.ArgumentParser(add_help=False)
    for name in ("-s", "-h", "-p"):
        parser.add_argument(name)
    where, _ = parser.parse_known_args(arguments)
    client = DagsterGrpcClient(socket=where.s) if where.s else DagsterGrpcClient(host=where.h, port=int(where.p))
    failed = 0
    while failed < FAILED_LOOKS:
        time.sleep(LOOK_S)
        failed = failed + 1 if has_lost_its_code(client) else 0
    print("the process with the loaded code is gone; the code server ends, to be started again", file=sys.stderr)
    sys.stderr.flush()
    os._exit(1)


if __name__ == "__main__":
    from dagster._cli import main

    threading.Thread(target=end_without_code, args=(sys.argv[1:],), name="watch", daemon=True).start()
    main()
