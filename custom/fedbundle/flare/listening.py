"""Hear which hospitals are alive while a round runs.

A hospital's client parent that is killed comes back under a new token, and NVFlare, which looks for the old
one, never tells the controller. But every heartbeat and request of a living job process passes through the
controller's communicator, so listening there tells who has gone silent.
"""

import time

from nvflare.apis.fl_context import FLContext
from nvflare.apis.impl.wf_comm_server import WFCommServer


class ListeningCommunicator(WFCommServer):
    """NVFlare's communicator, remembering when each site was last heard."""

    def __init__(self, task_check_period: float) -> None:
        super().__init__(task_check_period=task_check_period)
        self._heard: dict[str, float] = {}
        self._reported_dead: set[str] = set()

    def client_is_active(self, client_name: str, reason: str, fl_ctx: FLContext) -> None:
        """Note the time; called for heartbeats, task requests and results."""
        self._heard[client_name] = time.monotonic()
        self._reported_dead.discard(client_name)
        super().client_is_active(client_name, reason, fl_ctx)

    def process_dead_client_report(self, client_name: str, fl_ctx: FLContext) -> None:
        """Note that the site's own parent process told that the job process is gone."""
        self._reported_dead.add(client_name)
        super().process_dead_client_report(client_name, fl_ctx)

    def has_joined(self, site: str) -> bool:
        """Whether the site's job process was heard at all."""
        return site in self._heard

    def gone(self, site: str, limit_s: float, since: float) -> str:
        """Why the site counts as gone, empty while it is alive; silence counts from `since` (monotonic, s)."""
        if site in self._reported_dead:
            return "the site reports that its job process has ended"
        silence = time.monotonic() - max(self._heard.get(site, since), since if site not in self._heard else 0.0)
        return f"nothing heard for {silence:.0f} s" if silence > limit_s else ""
