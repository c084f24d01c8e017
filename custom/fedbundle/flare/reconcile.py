"""A component of the server's kit: jobs that a crash left RUNNING are closed at the next start."""

from nvflare.apis.event_type import EventType
from nvflare.apis.fl_component import FLComponent
from nvflare.apis.fl_context import FLContext


class ReconcileJobs(FLComponent):
    """Sets jobs that cannot be running, since the server has only now started, to FINISHED:ABANDONED.

    Without it such a job stays RUNNING for good: it can be neither aborted, deleted nor downloaded. NVFlare has the
    method and does not call it.
    """

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        """Act once, when the server's parent process starts."""
        if event_type == EventType.SYSTEM_START:
            fl_ctx.get_engine().job_runner.update_unfinished_jobs(fl_ctx)
