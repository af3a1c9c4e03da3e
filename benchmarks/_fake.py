"""An engine that answers at once, so that only the way to it is measured.

    python -m benchmarks._fake        prints its port

Speaks just enough of OpenAI's HTTP: the list of models, and chats, streamed or whole.
"""

from __future__ import annotations

import asyncio
import json

MODEL = "fake"
_WORDS = ["The ", "answer ", "is ", "42."]


def _body(streamed: bool) -> bytes:
    head = {"id": "chatcmpl-1", "created": 1, "model": MODEL}
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
    if not streamed:
        message = {"role": "assistant", "content": "".join(_WORDS)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        whole = {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
        return json.dumps(whole).encode()
    head["object"] = "chat.completion.chunk"
    deltas: list[tuple[dict[str, str], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": word}, None) for word in _WORDS] + [({}, "stop")]
    chunks = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        for delta, finish in deltas
    ] + [{**head, "choices": [], "usage": usage}]
    return b"".join(b"data: %s\n\n" % json.dumps(c).encode() for c in chunks) + b"data: [DONE]\n\n"


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    models = json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model"}]}).encode()
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            sent = await reader.readexactly(length)
            streamed = b'"stream":true' in sent.replace(b" ", b"")
            found = models if head.startswith(b"get") else _body(streamed)
            kind = b"text/event-stream" if streamed else b"application/json"
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
                % (kind, len(found), found)
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
