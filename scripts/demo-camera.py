#!/usr/bin/python3
"""A camera for demonstrations and tests: a real RTSP server (gst-rtsp-server) with a moving test picture.

    scripts/demo-camera.py --port 8654 --path /demo --audio opus
    scripts/demo-camera.py --file "$(scripts/make-clip.py 1080p25-gop2)" --fps 25

It prints one JSON object a line:

    {"event": "ready", "url": …, "port": …}                      it answers
    {"event": "start", "t0_ms": …, "fps": …, "frames": …}        --file only: frame 0 was due at this wall-clock time

Each picture carries a number that machines can read (see time_strip.py). Live, it is the wall clock of the capture in
milliseconds modulo 2^32. With --file it is the frame's number n in the clip, burnt in by make-clip.py: shown for the
k-th time, that frame was due at t0_ms + 1000 * (k * frames + n) / fps; the time never jumps where the clip loops.

The first client starts the picture at a keyframe; all clients share it, so that later ones join in the middle of a GOP,
as they do with a real camera. SIGTERM and SIGINT end it.
"""

import argparse
import json
import os
import re
import signal
import sys
import threading
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstBase", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstApp, GstBase, GstRtsp, GstRtspServer  # noqa: E402, F401

import time_strip  # noqa: E402

Gst.init(None)  # before the first element class is defined

VIDEO_CAPS = {
    "h264": "video/x-h264,stream-format=byte-stream,alignment=au",
    "h265": "video/x-h265,stream-format=byte-stream,alignment=au",
}
PAYLOADERS = {
    "h264": "rtph264pay name=pay0 pt=96 config-interval=-1 aggregate-mode=zero-latency",
    "h265": "rtph265pay name=pay0 pt=96 config-interval=-1 aggregate-mode=zero-latency",
}
AUDIO = {
    "aac": "audio/x-raw,rate=48000,channels=2 ! avenc_aac bitrate=96000 ! rtpmp4gpay name=pay1 pt=97",
    "opus": "audio/x-raw,rate=48000,channels=2 ! opusenc bitrate=64000 ! rtpopuspay name=pay1 pt=97",
    "pcma": "audio/x-raw,rate=8000,channels=1 ! alawenc ! rtppcmapay name=pay1 pt=8",
    "pcmu": "audio/x-raw,rate=8000,channels=1 ! mulawenc ! rtppcmupay name=pay1 pt=0",
}
TRANSPORTS = {
    "tcp": GstRtsp.RTSPLowerTrans.TCP,
    "udp": GstRtsp.RTSPLowerTrans.UDP,
    "any": GstRtsp.RTSPLowerTrans.TCP | GstRtsp.RTSPLowerTrans.UDP,
}


def say(**event):
    print(json.dumps(event), flush=True)


class TimeStrip(GstBase.BaseTransform):
    """Draws the wall clock into each I420 picture that passes."""

    __gstmetadata__ = ("Time strip", "Filter/Video", "Draws the wall clock for machines", "Yeoul")
    __gsttemplates__ = tuple(
        Gst.PadTemplate.new(name, direction, Gst.PadPresence.ALWAYS, Gst.Caps.from_string("video/x-raw,format=I420"))
        for name, direction in (("sink", Gst.PadDirection.SINK), ("src", Gst.PadDirection.SRC))
    )

    def do_set_caps(self, incaps, _outcaps):
        picture = incaps.get_structure(0)
        self.width, self.height = picture.get_value("width"), picture.get_value("height")
        return True

    def do_transform_ip(self, buffer):
        side = time_strip.cell_size(self.width)
        row = b"".join(bytes([cell]) * side for cell in time_strip.luma(int(time.time() * 1000)))
        # The layout that GStreamer gives I420: rows padded to 4 bytes, the planes one after another.
        luma_stride, chroma_stride = (self.width + 3) // 4 * 4, (self.width // 2 + 3) // 4 * 4
        chroma = luma_stride * ((self.height + 1) // 2 * 2)
        grey = bytes([time_strip.GREY]) * (len(row) // 2)
        with buffer.map(Gst.MapFlags.READ | Gst.MapFlags.WRITE) as info:
            for y in range(side):
                start = y * luma_stride
                info.data[start : start + len(row)] = row
            for plane in (chroma, chroma + chroma_stride * ((self.height + 1) // 2)):
                for y in range(side // 2):
                    start = plane + y * chroma_stride
                    info.data[start : start + len(grey)] = grey
        return Gst.FlowReturn.OK


def access_units(stream, codec):
    """Cuts an Annex B elementary stream into access units (H.264 §7.4.1.2.3, H.265 §7.4.2.4.4)."""
    units, current, has_picture = [], bytearray(), False
    starts = [m.start() for m in re.finditer(b"\0?\0\0\1", stream)] + [len(stream)]
    for start, end in zip(starts, starts[1:]):
        nal = stream[start:end]
        header = nal.index(b"\1") + 1
        if codec == "h264":
            kind = nal[header] & 31
            is_picture, opens = 1 <= kind <= 5, kind in (6, 7, 8, 9)
            first = is_picture and nal[header + 1] & 0x80
        else:
            kind = nal[header] >> 1 & 63
            is_picture, opens = kind < 32, kind in (32, 33, 34, 35, 39)
            first = is_picture and nal[header + 2] & 0x80
        if has_picture and (first or opens):
            units.append(bytes(current))
            current, has_picture = bytearray(), False
        current += nal
        has_picture = has_picture or is_picture
    if has_picture:
        units.append(bytes(current))
    return units


def play_clip(factory, args):
    """Makes each pipeline of the factory play the clip in a loop."""
    with open(args.file, "rb") as clip:
        units = access_units(clip.read(), args.codec)
    if not units:
        sys.exit(f"{args.file}: no {args.codec} picture found: is it an Annex B elementary stream?")

    def start(_factory, media):
        appsrc = media.get_element().get_by_name("clip")

        def need_data(appsrc, _length):
            appsrc.disconnect(handler)
            threading.Thread(target=push, args=(appsrc, units, args.fps), daemon=True).start()

        handler = appsrc.connect("need-data", need_data)

    factory.connect("media-configure", start)


def push(appsrc, units, fps):
    """Pushes the clip again and again, each access unit when it is due, until the pipeline ends."""
    # The clip starts at the pipeline's present, so that nothing is late and sound has the same clock.
    start = appsrc.get_current_running_time()
    t0 = time.monotonic()
    say(event="start", t0_ms=round(time.time() * 1000), fps=fps, frames=len(units))
    n = 0
    while True:
        time.sleep(max(0, t0 + n / fps - time.monotonic()))
        buffer = Gst.Buffer.new_wrapped(units[n % len(units)])
        buffer.pts = buffer.dts = start + n * Gst.SECOND // fps
        buffer.duration = Gst.SECOND // fps
        if appsrc.push_buffer(buffer) != Gst.FlowReturn.OK:
            return
        n += 1


def video_description(args):
    if args.file:
        source = f"appsrc name=clip is-live=true format=time max-bytes=0 caps={VIDEO_CAPS[args.codec]}"
        return f"{source} ! {PAYLOADERS[args.codec]}"
    width, height = args.size
    keyframes = f"key-int-max={round(args.gop * args.fps)}"
    encoder = {
        "h264": "x264enc tune=zerolatency speed-preset=superfast threads=1 sliced-threads=false bframes=0"
        f" {keyframes} bitrate={args.bitrate} ! video/x-h264,profile={args.profile}",
        "h265": f"x265enc tune=zerolatency speed-preset=ultrafast {keyframes} bitrate={args.bitrate}",
    }[args.codec]
    return (
        "videotestsrc is-live=true pattern=smpte horizontal-speed=2"
        f" ! video/x-raw,format=I420,width={width},height={height},framerate={args.fps}/1"
        ' ! clockoverlay name=clock time-format="%Y-%m-%d %H:%M:%S" font-desc="Sans 24" valignment=center halignment=center'
        f" ! queue name=pictures max-size-buffers=2 ! {encoder} ! {PAYLOADERS[args.codec]}"
    )


def audio_description(args):
    if args.audio == "none":
        return ""
    # A beep of a tenth of a second each second; a tone goes on, so that a gap in it can be found.
    wave = {"ticks": "wave=ticks freq=880 sine-periods-per-tick=88", "tone": "wave=sine freq=440"}[args.wave]
    return f" audiotestsrc is-live=true volume=0.3 samplesperbuffer=960 {wave} ! audioconvert ! {AUDIO[args.audio]}"


def insert_strip(pipeline):
    clock, pictures, strip = pipeline.get_by_name("clock"), pipeline.get_by_name("pictures"), TimeStrip()
    clock.unlink(pictures)
    pipeline.add(strip)
    clock.link(strip)
    strip.link(pictures)


def forbid_seeking(pipeline):
    """A camera has no beginning to go back to; the test sources have one, and a PLAY with a Range would rewind them."""

    def answer(_pad, info):
        seeking = info.get_query().type == Gst.QueryType.SEEKING
        return Gst.PadProbeReturn.DROP if seeking else Gst.PadProbeReturn.OK

    for payloader in filter(None, map(pipeline.get_by_name, ("pay0", "pay1"))):
        payloader.get_static_pad("sink").add_probe(Gst.PadProbeType.QUERY_UPSTREAM, answer)


def protect(factory, server, args):
    """Asks for the account."""
    token = GstRtspServer.RTSPToken.new()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "user")
    auth = GstRtspServer.RTSPAuth.new()
    if args.auth == "basic":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(args.user, args.password), token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(args.user, args.password, token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions.new()
    for permission in (
        GstRtspServer.RTSP_PERM_MEDIA_FACTORY_ACCESS,
        GstRtspServer.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT,
    ):
        permissions.add_permission_for_role("user", permission, True)
    factory.set_permissions(permissions)


def media_factory(args):
    factory = GstRtspServer.RTSPMediaFactory.new()
    factory.set_launch(f"( {video_description(args)}{audio_description(args)} )")
    factory.set_shared(True)
    factory.set_protocols(TRANSPORTS[args.transport])
    factory.connect("media-configure", lambda _factory, media: forbid_seeking(media.get_element()))
    if args.file:
        play_clip(factory, args)
    else:
        factory.connect("media-configure", lambda _factory, media: insert_strip(media.get_element()))
    return factory


def end_with_parent(loop):
    """Ends the loop once the process that started this one is gone."""
    parent = os.getppid()
    GLib.timeout_add(500, lambda: os.getppid() == parent or loop.quit())


def size(text):
    width, height = map(int, text.split("x"))
    if time_strip.cell_size(width) < 16:
        raise argparse.ArgumentTypeError(f"at least {16 * time_strip.CELLS} pixels wide, or the time strip is unreadable")
    return width, height


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bind", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--path", default="/demo")
    parser.add_argument("--transport", choices=TRANSPORTS, default="any", help="what SETUP accepts; 461 for the other")
    parser.add_argument("--user")
    parser.add_argument("--password", default="")
    parser.add_argument("--auth", choices=["basic", "digest"], default="digest", help="how --user is asked for (digest)")
    parser.add_argument("--file", help="an elementary stream to loop, instead of the live picture")
    parser.add_argument("--codec", choices=VIDEO_CAPS, default="h264")
    parser.add_argument("--fps", type=int, default=25)
    parser.add_argument("--size", type=size, default="1280x720", help="live only")
    parser.add_argument("--bitrate", type=int, default=2000, help="kbit/s, live only")
    parser.add_argument("--gop", type=float, default=2, help="seconds between keyframes, live only")
    parser.add_argument("--profile", default="constrained-baseline", help="of H.264, live only: …, main, high")
    parser.add_argument("--audio", choices=["none", *AUDIO], default="none")
    parser.add_argument("--wave", choices=["ticks", "tone"], default="ticks", help="a beep a second, or a tone")
    parser.add_argument("--with-parent", action="store_true", help="end when the parent process ends")
    return parser.parse_args()


def main():
    args = arguments()
    server = GstRtspServer.RTSPServer.new()
    server.set_address(args.bind)
    server.set_service(str(args.port))
    factory = media_factory(args)
    if args.user:
        protect(factory, server, args)
    path = "/" + args.path.lstrip("/")
    server.get_mount_points().add_factory(path, factory)
    if server.attach(None) == 0:
        sys.exit(f"port {args.port} on {args.bind} cannot be opened: is another program using it?")

    loop = GLib.MainLoop()
    for number in (signal.SIGTERM, signal.SIGINT):
        GLib.unix_signal_add(GLib.PRIORITY_HIGH, number, loop.quit)
    if args.with_parent:
        end_with_parent(loop)
    port = server.get_bound_port()
    say(event="ready", url=f"rtsp://{args.bind}:{port}{path}", port=port)
    loop.run()
    # The pipelines hold threads inside native code; nothing of this process needs an orderly end.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
