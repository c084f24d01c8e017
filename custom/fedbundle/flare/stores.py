"""Where the server keeps jobs, snapshots and error logs: in its own kit, wherever that stands.

NVFlare's defaults lie in the system's temporary folder, shared by all federations of a machine and lost at reboot,
and its classes take absolute paths only, which are wrong once a kit has been sent to its server.
"""

from pathlib import Path

from nvflare.apis.impl.job_def_manager import SimpleJobDefManager
from nvflare.app_common.logging.job_log_receiver import JobLogReceiver
from nvflare.app_common.storages.filesystem_storage import FilesystemStorage


def in_kit(name: str) -> str:
    """Absolute path of `storage/<name>` in the kit that this process runs from.

    Raises:
        RuntimeError: the process does not run from a server's kit (NVFlare's start goes there first).
    """
    kit = Path.cwd()
    if not (kit / "startup" / "fed_server.json").is_file():
        raise RuntimeError(f"server must run from its kit, got {kit}; start it with startup/start.sh")
    place = kit / "storage" / name
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    return str(place)


class KitStorage(FilesystemStorage):
    """Snapshots."""

    def __init__(self) -> None:
        super().__init__(root_dir=in_kit("snapshots"))


class KitJobManager(SimpleJobDefManager):
    """Jobs and their results."""

    def __init__(self, job_store_id: str = "job_store") -> None:
        super().__init__(uri_root=in_kit("jobs"), job_store_id=job_store_id)


class KitLogReceiver(JobLogReceiver):
    """Error logs that hospitals send, while they arrive."""

    def __init__(self) -> None:
        super().__init__(dest_dir=in_kit("logs"))
