"""A component of a hospital's kit: the error log of a job goes to the server, and no other file can be asked for.

NVFlare's own SiteLogStreamer adds a JobLogStreamer to every job, which would have to stand on the hospital's list for
that; then a job could name it as well, with the name of any file of its folder at the hospital.
"""

from nvflare.apis.fl_constant import WorkspaceConstants
from nvflare.apis.fl_context import FLContext
from nvflare.app_common.logging.site_log_streamer import SiteLogStreamer


class SiteErrorLog(SiteLogStreamer):
    """Sends error_log.txt of a job once it has ended here; `allow_log_streaming: false` in the site's file stops it."""

    def __init__(self) -> None:
        super().__init__(log_file_name=WorkspaceConstants.ERROR_LOG_FILE_NAME)

    def _on_before_job_launch(self, event_type: str, fl_ctx: FLContext) -> None:
        """Add nothing to the job; NVFlare's class adds its streamer here."""
