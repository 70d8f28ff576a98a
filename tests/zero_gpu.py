"""The page started as on a ZeroGPU Space, with the real `spaces` and a stand-in for the service that lends it GPUs.

`.ci/zerogpu` runs it on each PyTorch that ZeroGPU lists; no GPU is needed, since the page asks for none.
"""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import torch
from gradio_client import Client
from served import serve

asked = []


class Lender(BaseHTTPRequestHandler):
    def do_POST(self):
        asked.append(self.path)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def main():
    lender = ThreadingHTTPServer(("127.0.0.1", 0), Lender)
    threading.Thread(target=lender.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{lender.server_port}"
    with serve(SPACES_ZERO_GPU="true", SPACES_ZERO_DEVICE_API_URL=address) as server:
        server.wait_for('"ready"', 900)  # all graphs are made, too
        page = Client(server.url, verbose=False)
        for model in page.predict(api_name="/models"):
            piece = page.predict(model=model["name"], notes="C5 D5 E5", bars=4, random_seed=7, api_name="/compose")
            assert piece["bars"] == 4 and piece["notes"], piece
        assert "Traceback" not in server.said and '"level": "warning"' not in server.said, server.said
    assert asked == ["/startup-report"], asked
    print(f"PyTorch {torch.__version__}: started, and every model composed")


if __name__ == "__main__":
    main()
