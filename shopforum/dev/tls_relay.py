"""TLS in front of the sites of `shopforum dev --tls`: a relay that decrypts connections and passes their bytes on.

It reads no HTTP, so nothing of it can be wrong about keep-alive, streaming or the length of a request. Nothing has to be
forwarded in headers either: the sites are told at their start that they are served over https, and a connection is passed on
from the loopback address that it came from, so that they see the client's address.
"""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CHUNK = 65536
# Seconds that responses under way have to reach their clients after the sites have ended.
_FLUSH_SECONDS = 2


@contextmanager
def relaying(listener: socket.socket, context: ssl.SSLContext, sites: tuple[str, int]) -> Iterator[None]:
    """Relay the connections of a listening socket to `sites`, host and port, in a thread, as long as the block lasts.

    The sites should end within the block: their last responses are still passed on.
    """
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(
        target=loop.run_until_complete, args=(_relay(listener, context, sites, stop),), name="tls-relay"
    )
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


async def _relay(
    listener: socket.socket, context: ssl.SSLContext, sites: tuple[str, int], stop: asyncio.Event
) -> None:
    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = writer.get_extra_info("peername")[0]
        try:
            from_sites, to_sites = await asyncio.open_connection(*sites, local_addr=(client, 0))
        except OSError:
            # The sites are ending.
            writer.close()
            return
        try:
            await asyncio.gather(_copy(reader, to_sites), _copy(from_sites, writer))
        except asyncio.CancelledError:
            # The relay ends, and this client does not.
            for each in (writer, to_sites):
                each.transport.abort()

    server = await asyncio.start_server(connect, sock=listener, ssl=context)
    await stop.wait()
    server.close()
    connections = asyncio.all_tasks() - {asyncio.current_task()}
    if connections:
        _, late = await asyncio.wait(connections, timeout=_FLUSH_SECONDS)
        for each in late:
            each.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        # Aborted connections are closed in the next turn of the loop.
        await asyncio.sleep(0)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until one side ends; then end the other side, which still gets what was copied."""
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.close()
        await writer.wait_closed()
