"""How gunicorn serves TeleHeme: the same file for quickstart and for the container image.

Uploads are spooled by Django, pictures are rebuilt in another process and the work of a request is
mostly waiting for the database: a few threads in one or two processes go further than many processes.
"""

import os
from pathlib import Path

bind = os.environ.get("TELEHEME_BIND", "0.0.0.0:8000")
wsgi_app = "telemed.wsgi:application"
worker_class = "gthread"
workers = int(os.environ.get("TELEHEME_WEB_WORKERS", "1"))
threads = int(os.environ.get("TELEHEME_WEB_THREADS", "8"))
timeout = 60
graceful_timeout = 20
keepalive = 75  # longer than a proxy keeps its idle connections, so that the proxy closes first
max_requests = int(os.environ.get("TELEHEME_WEB_MAX_REQUESTS", "0"))
max_requests_jitter = max_requests // 10
forwarded_allow_ips = os.environ.get("TELEHEME_FORWARDED_ALLOW_IPS", "127.0.0.1")
# The heartbeat file in memory: a slow disk must not look like a hung worker.
if Path("/dev/shm").is_dir():  # noqa: S108
    worker_tmp_dir = "/dev/shm"  # noqa: S108
control_socket_disable = True
errorlog = "-"
accesslog = "-"
# %(U)s is the path alone: what people search for (names, record numbers) stays out of the log.
access_log_format = '%(t)s %(h)s "%(m)s %(U)s" %(s)s %(b)s %(M)sms'
