"""Shows the page in this folder at an address of this computer only: python3 serve.py (needs Python alone)

Needed where a browser refuses the camera to a page that was opened as a file; and the answers come faster, since the
headers below allow the model several threads.
"""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Handler(SimpleHTTPRequestHandler):
    """Files of this folder, isolated from other pages."""

    def end_headers(self):
        """Adds what a browser asks for before it allows threads to share memory."""
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def log_message(self, *_):
        """Says nothing of each file."""


server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=Path(__file__).resolve().parent))
print(f"Open http://127.0.0.1:{server.server_port}/ in a browser; Ctrl+C ends it.", flush=True)  # noqa: T201
try:
    server.serve_forever()
except KeyboardInterrupt:
    pass
