// What a video element tells of itself.

/** Frames since its source was set; zeros where the browser does not count. */
export function frameCounts(video: HTMLVideoElement | null): { decoded: number; dropped: number } {
  const quality = video?.getVideoPlaybackQuality();
  return { decoded: quality?.totalVideoFrames ?? 0, dropped: quality?.droppedVideoFrames ?? 0 };
}

/** What is loaded beyond the picture on the screen, without a gap. */
export function bufferAheadMs({ buffered, currentTime }: HTMLVideoElement): number {
  for (let index = 0; index < buffered.length; index += 1) {
    if (buffered.start(index) <= currentTime && currentTime <= buffered.end(index)) {
      return 1000 * (buffered.end(index) - currentTime);
    }
  }
  return 0;
}
