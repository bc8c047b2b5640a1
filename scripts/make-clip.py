#!/usr/bin/python3
"""Makes a test clip once and prints where it is: an elementary stream that demo-camera.py can loop.

    scripts/make-clip.py 1080p25-gop2
    scripts/make-clip.py --list

Each frame carries its number, from 0, in a form that machines can read (see time_strip.py). Every clip starts with a
keyframe, has no B-frames and lasts a whole number of GOPs, so that it loops without a seam. Clips are kept in
.cache/clips, in $YEOUL_CLIPS where that is set.
"""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
from dataclasses import asdict, dataclass

import time_strip


@dataclass
class Clip:
    """What a clip is; kbit_s is a constant bitrate."""

    width: int
    height: int
    kbit_s: int
    gop_s: int
    seconds: int
    fps: int = 25
    codec: str = "h264"
    profile: str = "high"
    aud: bool = False


CLIPS = {
    "1080p25-gop1": Clip(1920, 1080, 4000, gop_s=1, seconds=10),
    "1080p25-gop10": Clip(1920, 1080, 4000, gop_s=10, seconds=10),
    "1080p25-gop2": Clip(1920, 1080, 4000, gop_s=2, seconds=10, aud=True),
    "720p25-gop10": Clip(1280, 720, 2000, gop_s=10, seconds=20),
    "720p25-gop2": Clip(1280, 720, 2000, gop_s=2, seconds=10),
    "720p25-gop2-baseline": Clip(1280, 720, 2000, gop_s=2, seconds=10, profile="baseline"),
    "720p25-gop2-h265": Clip(1280, 720, 1500, gop_s=2, seconds=10, codec="h265", profile="main"),
}


def encoder(clip):
    keyframes = f"keyint={clip.gop_s * clip.fps}:min-keyint={clip.gop_s * clip.fps}:scenecut=0:bframes=0"
    rate = f"bitrate={clip.kbit_s}:vbv-maxrate={clip.kbit_s}:vbv-bufsize={clip.kbit_s}"
    options = f"{keyframes}:{rate}:aud={int(clip.aud)}:repeat-headers=1"
    if clip.codec == "h264":
        # Padded to its bitrate, as a camera with CBR does.
        return ["-c:v", "libx264", "-profile:v", clip.profile, "-x264-params", f"{options}:nal-hrd=cbr", "-f", "h264"]
    return ["-c:v", "libx265", "-profile:v", clip.profile, "-x265-params", f"{options}:log-level=error", "-f", "hevc"]


def make(clip, path):
    frames = clip.seconds * clip.fps
    side = time_strip.cell_size(clip.width)
    picture = f"testsrc2=size={clip.width}x{clip.height}:rate={clip.fps},noise=alls=12:allf=t"
    strip = f"scale={side * time_strip.CELLS}:{side}:flags=neighbor:in_range=tv:out_range=tv,format=yuv420p"
    partial = path.with_suffix(f".{os.getpid()}")
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-y", "-f", "lavfi", "-i", picture]
    command += ["-f", "rawvideo", "-pixel_format", "gray", "-video_size", f"{time_strip.CELLS}x1"]
    command += ["-framerate", str(clip.fps), "-i", "-"]
    command += ["-filter_complex", f"[1]{strip}[strip];[0][strip]overlay=0:0,format=yuv420p"]
    command += ["-frames:v", str(frames), "-preset", "veryfast", *encoder(clip), str(partial)]
    subprocess.run(command, input=b"".join(time_strip.luma(n) for n in range(frames)), check=True)
    # Two tests may make the same clip at once: each its own file, the last one stays.
    partial.replace(path)


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in (*CLIPS, "--list"):
        sys.exit(f"usage: make-clip.py --list | {' | '.join(CLIPS)}")
    if sys.argv[1] == "--list":
        print("\n".join(CLIPS))
        return
    name = sys.argv[1]
    clip = CLIPS[name]
    folder = pathlib.Path(__file__).resolve().parent.parent / ".cache" / "clips"
    folder = pathlib.Path(os.environ.get("YEOUL_CLIPS", folder))
    folder.mkdir(parents=True, exist_ok=True)
    # A clip made by other parameters is another file.
    digest = hashlib.sha256(json.dumps(asdict(clip)).encode()).hexdigest()[:8]
    path = folder / f"{name}-{digest}.{clip.codec}"
    if not path.exists():
        make(clip, path)
    print(path)


if __name__ == "__main__":
    main()
