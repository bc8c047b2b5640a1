#!/usr/bin/python3
"""A WebRTC peer that nobody here wrote (aiortc), for tests: it publishes to a server, or is a server itself.

    webrtc-peer.py publish URL       WHIP (RFC 9725): a picture and a tone to URL, in H.264 unless --vp8
    webrtc-peer.py whep PORT         a WHEP server with a picture and a tone
    webrtc-peer.py whip PORT         a WHIP server: tells how many pictures and sounds it has decoded
    webrtc-peer.py go2rtc PORT       go2rtc's WebSocket at /api/ws, with candidates after the answer

Tells what happens as lines of JSON. Ends with its parent.
"""

import argparse
import asyncio
import json
import os

import aiohttp
from aiohttp import web
from aiortc import RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer, MediaRelay

PICTURE = "testsrc2=size=640x360:rate=25"
TONE = "sine=frequency=440:sample_rate=48000"


def tell(**what):
    print(json.dumps(what), flush=True)


class Source:
    """A picture and a tone, as fast as they are shown, for all connections."""

    def __init__(self):
        self.relay = MediaRelay()
        self.video = MediaPlayer(PICTURE, format="lavfi").video
        self.audio = MediaPlayer(TONE, format="lavfi").audio

    def add_to(self, connection, codec=None):
        """Adds the tracks; `codec` alone is offered of the picture, if it is given."""
        sender = connection.addTrack(self.relay.subscribe(self.video))
        connection.addTrack(self.relay.subscribe(self.audio))
        if codec:
            known = RTCRtpSender.getCapabilities("video").codecs
            wanted = [of for of in known if of.mimeType in (codec, "video/rtx")]
            next(of for of in connection.getTransceivers() if of.sender is sender).setCodecPreferences(wanted)


async def publish(url, codec):
    connection = RTCPeerConnection()
    Source().add_to(connection, codec)
    await connection.setLocalDescription(await connection.createOffer())
    async with aiohttp.ClientSession() as http:
        headers = {"Content-Type": "application/sdp"}
        async with http.post(url, data=connection.localDescription.sdp, headers=headers) as reply:
            text = await reply.text()
            tell(status=reply.status, location=reply.headers.get("Location"))
            if reply.status != 201:
                tell(refused=text)
                return
            await connection.setRemoteDescription(RTCSessionDescription(text, "answer"))
    await closed(connection)


async def closed(connection):
    ended = asyncio.Event()

    @connection.on("connectionstatechange")
    def changed():
        tell(state=connection.connectionState)
        if connection.connectionState in ("closed", "failed"):
            ended.set()

    await ended.wait()


class Server:
    def __init__(self):
        self.connections = set()
        self.source = None
        self.counts = {"video": 0, "audio": 0}

    def connection(self):
        connection = RTCPeerConnection()
        self.connections.add(connection)
        return connection

    async def answer(self, connection, offer):
        await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        return connection.localDescription.sdp

    def give(self, connection):
        self.source = self.source or Source()
        self.source.add_to(connection)

    async def created(self, connection, request, offer):
        sdp = await self.answer(connection, offer)
        tell(authorization=request.headers.get("Authorization"))
        headers = {"Location": f"/session/{id(connection)}", "Content-Type": "application/sdp"}
        return web.Response(status=201, text=sdp, headers=headers)

    async def whep(self, request):
        connection = self.connection()
        self.give(connection)
        return await self.created(connection, request, await request.text())

    async def whip(self, request):
        connection = self.connection()

        @connection.on("track")
        def came(track):
            asyncio.ensure_future(self.count(track))

        return await self.created(connection, request, await request.text())

    async def count(self, track):
        while True:
            await track.recv()
            self.counts[track.kind] += 1
            if self.counts[track.kind] % 25 == 0:
                tell(**self.counts)

    async def delete(self, request):
        tell(deleted=request.path)
        for connection in list(self.connections):
            if request.path.endswith(f"/{id(connection)}"):
                await connection.close()
                self.connections.discard(connection)
        return web.Response()

    async def go2rtc(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            said = json.loads(message.data)
            if said["type"] != "webrtc/offer":
                continue
            if request.query.get("src") != "cam":
                await socket.send_json({"type": "error", "value": "webrtc/offer: stream not found"})
                continue
            connection = self.connection()
            self.give(connection)
            lines = (await self.answer(connection, said["value"])).splitlines()
            mine = [line[2:] for line in lines if line.startswith("a=candidate:")]
            others = [line for line in lines if not line.startswith(("a=candidate:", "a=end-of-candidates"))]
            await socket.send_json({"type": "webrtc/answer", "value": "\r\n".join(others) + "\r\n"})
            for candidate in [*mine, ""]:
                await socket.send_json({"type": "webrtc/candidate", "value": candidate})
        return socket

    async def run(self, port):
        app = web.Application()
        app.router.add_post("/whep", self.whep)
        app.router.add_post("/whip", self.whip)
        app.router.add_get("/api/ws", self.go2rtc)
        app.router.add_delete("/session/{id}", self.delete)
        # A redirect, as servers behind balancers have it.
        app.router.add_post("/moved", self.moved)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        tell(ready=port)
        await asyncio.Event().wait()

    async def moved(self, request):
        return web.Response(status=307, headers={"Location": "/whep"})


async def with_parent(work):
    """Ends when the parent has: it may have been killed."""
    parent = os.getppid()
    task = asyncio.ensure_future(work)
    while not task.done() and os.getppid() == parent:
        await asyncio.wait([task], timeout=1)
    if task.done():
        task.result()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["publish", "whep", "whip", "go2rtc"])
    parser.add_argument("where", help="the URL to publish to, or the port to listen on")
    parser.add_argument("--vp8", action="store_true")
    options = parser.parse_args()
    if options.what == "publish":
        work = publish(options.where, "video/VP8" if options.vp8 else "video/H264")
    else:
        work = Server().run(int(options.where))
    asyncio.run(with_parent(work))


main()
