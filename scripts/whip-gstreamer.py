#!/usr/bin/python3
"""Publishes a picture and a tone by WHIP (RFC 9725) with GStreamer's webrtcbin, for tests: without RTX, as OBS Studio does.

    whip-gstreamer.py URL

Tells what happens as lines of JSON. Ends with its parent.
"""

import json
import os
import sys
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

PIPELINE = """
webrtcbin name=peer bundle-policy=max-bundle
videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=25/1 ! videoconvert !
  x264enc tune=zerolatency speed-preset=superfast bitrate=800 key-int-max=50 ! video/x-h264,profile=constrained-baseline !
  rtph264pay config-interval=-1 aggregate-mode=zero-latency !
  application/x-rtp,media=video,encoding-name=H264,payload=96 ! peer.
audiotestsrc is-live=true ! audioconvert ! audioresample ! opusenc ! rtpopuspay !
  application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! peer.
"""


def tell(**what):
    print(json.dumps(what), flush=True)


class Publisher:
    def __init__(self, url):
        self.url = url
        self.pipeline = Gst.parse_launch(PIPELINE)
        self.peer = self.pipeline.get_by_name("peer")
        self.peer.connect("on-negotiation-needed", self.offer)
        self.peer.connect("notify::ice-gathering-state", self.gathered)
        self.peer.connect("notify::connection-state", self.changed)
        self.pipeline.set_state(Gst.State.PLAYING)

    def offer(self, _peer):
        def made(promise):
            # The reply owns the offer.
            reply = promise.get_reply()
            offer = reply.get_value("offer")
            self.peer.emit("set-local-description", offer, Gst.Promise.new())

        self.peer.emit("create-offer", None, Gst.Promise.new_with_change_func(made))

    def gathered(self, peer, _property):
        if peer.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            GLib.idle_add(self.post)

    def post(self):
        offer = self.peer.get_property("local-description").sdp.as_text()
        request = urllib.request.Request(self.url, offer.encode(), {"Content-Type": "application/sdp"})
        with urllib.request.urlopen(request, timeout=20) as reply:
            tell(status=reply.status)
            answer = reply.read().decode()
        _, sdp = GstSdp.SDPMessage.new_from_text(answer)
        answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
        self.peer.emit("set-remote-description", answer, Gst.Promise.new())

    def changed(self, peer, _property):
        tell(state=peer.get_property("connection-state").value_nick)


def main():
    Gst.init(None)
    publisher = Publisher(sys.argv[1])
    loop = GLib.MainLoop()
    parent = os.getppid()
    GLib.timeout_add_seconds(1, lambda: os.getppid() == parent or loop.quit())
    loop.run()
    publisher.pipeline.set_state(Gst.State.NULL)


main()
