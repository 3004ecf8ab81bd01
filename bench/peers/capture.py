"""Runs the program until it sends its first request and prints that request's body.

    python capture.py COMMAND [ARGUMENT with PORT in it...]
"""

import http.server
import subprocess
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self):
        self.server.body = self.rfile.read(int(self.headers["Content-Length"]))
        self.close_connection = True

    def log_message(self, *arguments):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
server.body = None
server.timeout = 10
command = [argument.replace("PORT", str(server.server_port)) for argument in sys.argv[1:]]
child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    for _ in range(20):
        if server.body is None:
            server.handle_request()
finally:
    child.kill()
    child.wait()
if server.body is None:
    sys.exit("capture: the program sent no request")
sys.stdout.buffer.write(server.body)
