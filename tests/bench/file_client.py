"""One GET of a large file: `python file_client.py PORT PATH TOKEN [digest]`; prints what came, as JSON."""

import hashlib
import json
import socket
import sys
import time

_BUFFER = 1 << 20


def main() -> None:
    """Ask, read, tell. Nothing is kept of what comes; its digest only where it is asked for."""
    port, path, token = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    digest = hashlib.sha256() if "digest" in sys.argv[4:] else None
    buffer = bytearray(_BUFFER)
    view = memoryview(buffer)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        began = time.perf_counter()
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(_BUFFER)
        head, _, body = head.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        length, came = int(fields[b"content-length"]), len(body)
        if digest:
            digest.update(body)
        while came < length and (count := connection.recv_into(buffer)):
            came += count
            if digest:
                digest.update(view[:count])
        seconds = time.perf_counter() - began
    told = {"status": int(head.split()[1]), "bytes": came, "seconds": seconds}
    if came == length < _BUFFER:
        told["said"] = body.decode(errors="replace")
    sys.stdout.write(json.dumps(told | {"digest": digest and digest.hexdigest()}))


if __name__ == "__main__":
    main()
