//! Every bound of the sockets, tasks and files of this program, with its reason. Bounds of a protocol stand in its crate.

use std::time::Duration;

/// A source that lived this long was a working one: the next failure starts the backoff from its beginning.
pub(crate) const SOURCE_STABLE_AFTER: Duration = Duration::from_secs(10);

/// The timeline's zero is this long before the start: no frame is from before it, and containers count from zero.
pub(crate) const TIMELINE_BEFORE_START: Duration = Duration::from_secs(10);

/// How long a source may take to say goodbye to its camera: less than [`SHUTDOWN_WAIT`].
pub(crate) const SOURCE_STOP_WAIT: Duration = Duration::from_millis(1_000);

/// How long sessions may take to close once the program is told to end; after it the rest is cut off. Supervisors
/// (systemd, Home Assistant) wait 5 s and more before they kill; people expect 2 s.
pub(crate) const SHUTDOWN_WAIT: Duration = Duration::from_millis(1_500);

/// Bytes of a configuration text: ten thousand cameras with long addresses.
pub(crate) const CONFIG_BYTES: usize = 1 << 20;

/// Levels of maps and lists in a configuration: ours has four.
pub(crate) const CONFIG_DEPTH: usize = 16;

/// Errors, and warnings, told about one configuration: more than a screen helps nobody.
pub(crate) const CONFIG_PROBLEMS: usize = 20;

/// Sources of one stream: a main and a sub stream, a microphone, a fallback each; not a list pasted into the wrong place.
pub(crate) const STREAM_SOURCES: usize = 16;

/// Qualities of one stream: more steps than this differ too little to go from one to another.
pub(crate) const STREAM_VARIANTS: usize = 8;

/// Processes of ffmpeg at a time, unless `ffmpeg.max_processes` says otherwise: each that makes a picture smaller takes a
/// tenth of a core to a whole one.
pub(crate) const FFMPEG_PROCESSES: usize = 16;

/// The most that `ffmpeg.max_processes` can say: no machine has cores for more.
pub(crate) const FFMPEG_PROCESSES_MOST: usize = 1024;

/// How long a rendition waits for the stream that it is made of, before it tells why there is none.
pub(crate) const RENDITION_PARENT_WAIT: Duration = Duration::from_secs(5);

/// How long ffmpeg may take to its first picture: to decode a GOP of 20 s in 4K takes some seconds.
pub(crate) const RENDITION_FIRST_WAIT: Duration = Duration::from_secs(15);

/// Frames that went into ffmpeg and were not noted yet by the side that takes pictures out; who puts them in waits.
pub(crate) const RENDITION_QUEUE: usize = 256;

/// Pictures that ffmpeg may have at a time: a GOP of 20 s at 50 a second. Older ones never come out.
pub(crate) const RENDITION_PICTURES: usize = 1024;

/// Sound that waits for its picture: 10 s of it.
pub(crate) const RENDITION_SOUND: usize = 512;

/// Bytes read from ffmpeg at once: a keyframe of a rendition.
pub(crate) const RENDITION_READ_BYTES: usize = 64 << 10;

/// Pictures a second, where the first ones do not tell.
pub(crate) const RENDITION_USUAL_RATE: f64 = 25.0;

/// Lines that a child process wrote to its standard error, kept to tell why it failed …
pub(crate) const CHILD_LINES: usize = 8;

/// … and the bytes of one.
pub(crate) const CHILD_LINE_BYTES: u64 = 500;

/// How long a child process may take to end once it is told that nothing more will come: less than [`SOURCE_STOP_WAIT`].
pub(crate) const CHILD_END_WAIT: Duration = Duration::from_millis(500);

/// Bytes of a stream's name: what fits into a file name.
pub(crate) const STREAM_NAME_BYTES: usize = 255;

/// Addresses in `webrtc.candidates`: each costs a viewer a row of connectivity checks.
pub(crate) const WEBRTC_CANDIDATES: usize = 16;

/// Log lines that wait to be written: about a megabyte, some seconds of trace logs.
pub(crate) const LOG_LINES: usize = 4096;

/// How long the end of the program waits for its last log lines: a part of the 2 s that it may take.
pub(crate) const LOG_FLUSH_WAIT: Duration = Duration::from_millis(200);

/// Connections that the system completes before we accept them: a page opens six at once, a restart brings all viewers.
pub(crate) const LISTEN_BACKLOG: i32 = 1024;

/// Wait after an `accept` that failed: mostly there are no descriptors left, and trying at once would only burn the CPU.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// HTTP connections at a time: hundreds of dashboards with six connections each; about 30 KiB each.
pub(crate) const API_CONNECTIONS: usize = 4096;

/// How long a request's header may take: slower ones hold a connection for nothing.
pub(crate) const API_HEADER_WAIT: Duration = Duration::from_secs(10);

/// Bytes of a request's header: cookies of a proxy's other pages come along.
pub(crate) const API_HEADER_BYTES: usize = 32 << 10;

/// How long a request's body may take, from its first byte to its last: it is small, and one that is trickled holds a
/// connection for nothing.
pub(crate) const API_BODY_WAIT: Duration = Duration::from_secs(10);

/// Bytes of a request's body: an SDP offer of a browser has 10 KiB.
pub(crate) const API_BODY_BYTES: usize = 256 << 10;

/// How long `/api/streams?src=…&video` waits for a camera: go2rtc's clients give up after 10 s.
pub(crate) const API_PROBE_WAIT: Duration = Duration::from_secs(9);

/// Time between log lines about refused callers: a scan of the internet is not worth more.
pub(crate) const REFUSAL_LOG_PAUSE: Duration = Duration::from_secs(1);

/// How long the runtime may take to drop what still runs after [`SHUTDOWN_WAIT`].
pub(crate) const RUNTIME_WAIT: Duration = Duration::from_millis(100);

/// How long `yeoul probe` waits for the first picture or sound: a keyframe may be 10 s away.
pub(crate) const PROBE_CONNECT_WAIT: Duration = Duration::from_secs(15);

/// RTSP connections at a time: above what one machine serves, below what its descriptors allow; about 16 KiB each.
pub(crate) const RTSP_CONNECTIONS: usize = 8192;

/// How long DESCRIBE waits for a camera: players give up after 10 to 20 s, and want to hear the reason before that.
pub(crate) const RTSP_OPEN_WAIT: Duration = Duration::from_secs(9);

/// Connections that wait for their worker: it takes them faster than any client can open them.
pub(crate) const RTSP_ARRIVALS: usize = 64;

/// Frames that a player with a backlog gets before it is the turn of others: a GOP buffer of seconds goes out in some turns.
pub(crate) const RTSP_TURN_FRAMES: usize = 32;

/// Bytes that wait for a player's socket before no more frames are fetched for it: one write takes them all.
pub(crate) const RTSP_WRITE_BYTES: usize = 256 << 10;

/// Bytes that the kernel keeps unsent for a player: more would only make a slow one later, not better.
pub(crate) const RTSP_UNSENT_BYTES: u32 = 512 << 10;

/// How long a player may take nothing at all of what waits for it. Its frames are long gone then.
pub(crate) const RTSP_WRITE_WAIT: Duration = Duration::from_secs(10);

/// How long a connection that we end may take to read our last words.
pub(crate) const RTSP_CLOSE_WAIT: Duration = Duration::from_millis(500);

/// Bytes read from a connection before others get their turn.
pub(crate) const RTSP_READ_BYTES: usize = 128 << 10;

/// After this silence the kernel asks a peer whether it is still there; RTSP over TCP has no sign of life of its own.
pub(crate) const RTSP_TCP_KEEPALIVE: Duration = Duration::from_secs(30);

/// Bytes sent to a UDP player in one go, enough for most frames …
pub(crate) const RTSP_UDP_BURST_BYTES: usize = 48 << 10;

/// … and the pause after them: together 65 Mbit/s, several times what a camera sends. A receiver has a buffer for 90 to 180
/// packets by default: enough for it to look away for 20 ms while the GOP buffer comes in.
pub(crate) const RTSP_UDP_BURST_PAUSE: Duration = Duration::from_millis(6);

/// Datagrams of one client that wait for its task: 50 ms of 100 Mbit/s.
pub(crate) const RTSP_UDP_QUEUE: usize = 512;

/// Buffers of the UDP sockets, shared by all clients: as much as Linux gives without being asked twice.
pub(crate) const RTSP_UDP_SOCKET_BYTES: usize = 4 << 20;

/// Attempts to find two free ports, an even one and the next, for RTP and RTCP.
pub(crate) const RTSP_UDP_PORT_ATTEMPTS: usize = 64;

/// Frames looked at for the place where a player's tracks begin.
pub(crate) const RTSP_FIRST_FRAMES: usize = 64;

/// RTMP connections at a time: above what one machine serves, below what its descriptors allow; about 8 KiB each.
pub(crate) const RTMP_CONNECTIONS: usize = 4096;

/// How long a player waits for a camera: ffmpeg gives up after some seconds more, and wants to hear the reason before that.
pub(crate) const RTMP_OPEN_WAIT: Duration = Duration::from_secs(9);

/// Bytes that the kernel keeps unsent for a player: more would only make a slow one later, not better.
pub(crate) const RTMP_UNSENT_BYTES: u32 = 512 << 10;

/// How long a connection that we end may take to read our last words.
pub(crate) const RTMP_CLOSE_WAIT: Duration = Duration::from_millis(500);

/// Bytes read from a connection before others get their turn.
pub(crate) const RTMP_READ_BYTES: usize = 128 << 10;

/// After this silence the kernel asks a peer whether it is still there.
pub(crate) const RTMP_TCP_KEEPALIVE: Duration = Duration::from_secs(30);

/// Servers that one stream is published to: each gets all of its bits.
pub(crate) const PUBLISH_TARGETS: usize = 16;

/// Streams that callers of the API may have added at a time: more than any home has cameras, and each of them is a few kilobytes and a
/// line of the configuration.
pub(crate) const ADDED_STREAMS: usize = 1000;

/// Secrets that are searched for in what is shown, in each form they take. Each costs a search in every line of the log; shapes such as
/// `user:password@` are masked without being known.
pub(crate) const SECRETS: usize = 4096;

/// Publications that callers of the API may have begun at a time: each sends all the bits of its stream.
pub(crate) const STARTED_PUBLICATIONS: usize = 32;

/// How long `POST /api/streams` waits for a server to take a stream: go2rtc's clients give up after 10 s.
pub(crate) const API_PUBLISH_WAIT: Duration = Duration::from_secs(9);

/// Longest wait between attempts to publish to a server that is away, as go2rtc waits: services take more for an attack.
pub(crate) const PUBLISH_RETRY_LONGEST: Duration = Duration::from_secs(5);

/// How long an HLS output runs on after the last request: players ask for a playlist once a target duration, which is as long
/// as the camera's keyframes are apart.
pub(crate) const HLS_LINGER: Duration = Duration::from_secs(15);

/// Target durations for which an output is held after a request for its playlist, where that is longer than [`HLS_LINGER`]: players
/// ask once in one of them.
pub(crate) const HLS_HOLD_TARGETS: u32 = 2;

/// Parts that the first playlist of LL-HLS has at least: one to start with, and one while the next is made.
pub(crate) const HLS_FIRST_PARTS: u32 = 2;

/// Segments that the first classic playlist has at least, unless it has [`HLS_FIRST_LENGTH`].
pub(crate) const HLS_FIRST_SEGMENTS: usize = 2;

/// What is enough for a classic playlist to begin with: nobody waits for the second of two segments that are longer.
pub(crate) const HLS_FIRST_LENGTH: Duration = Duration::from_secs(4);

/// How long the first playlist may take: a classic segment ends with the second keyframe, and ten seconds between keyframes are
/// usual. ffmpeg waits for as long as it takes, hls.js for 10 s, three times.
pub(crate) const HLS_FIRST_WAIT: Duration = Duration::from_secs(15);

/// How long the multivariant playlist waits for all qualities of a stream: what ffmpeg takes to start, and a camera to answer.
/// Those that are not there by then are left out.
pub(crate) const HLS_QUALITIES_WAIT: Duration = Duration::from_secs(6);

/// Target durations after which a blocked request is answered with 503 (RFC 8216bis §6.2.5.2).
pub(crate) const HLS_WAIT_TARGETS: u32 = 3;

/// Frames that an HLS output takes before it shows what came of them: a GOP buffer is shown as a whole, and others get their
/// turn.
pub(crate) const HLS_READ_BATCH: usize = 1024;

/// How long an offer waits for a camera that is being dialled. Browsers and players give up after 10 s and more; they are
/// told what the camera says before.
pub(crate) const WEBRTC_SOURCE_WAIT: Duration = Duration::from_secs(5);

/// What the kernel holds of datagrams that viewers sent: reports and checks of some thousand viewers within a hiccup.
pub(crate) const WEBRTC_RECEIVE_BUFFER: usize = 4 << 20;

/// What the kernel holds of datagrams on their way out: one frame of a 4 Mbit/s camera for 200 viewers is 4 MB.
pub(crate) const WEBRTC_SEND_BUFFER: usize = 8 << 20;

/// Datagrams, or runs of equal ones, read with one call.
pub(crate) const WEBRTC_RECEIVE_BATCH: usize = 8;

/// Datagrams that wait for a worker: a second of what 500 viewers send. More are lost, as in any network.
pub(crate) const WEBRTC_DATAGRAM_QUEUE: usize = 1024;

/// Datagrams that a worker takes before it looks for media to send.
pub(crate) const WEBRTC_DATAGRAM_BATCH: usize = 64;

/// Requests that wait for a worker; whoever asks waits too.
pub(crate) const WEBRTC_CONTROL_QUEUE: usize = 256;

/// Streams with news that wait for a worker; each waits at most once.
pub(crate) const WEBRTC_NEWS_QUEUE: usize = 256;

/// Frames of a stream that a worker keeps cut into packets: a GOP of 20 s at 25 pictures and 50 sounds a second. They share
/// the bytes of the stream's own buffer.
pub(crate) const WEBRTC_CACHED_FRAMES: usize = 1_500;

/// Of these, how many before the last keyframe, for viewers that are a little behind: 0.8 s at the same rates.
pub(crate) const WEBRTC_CACHED_FRAMES_BEFORE_KEYFRAME: u64 = 64;

/// TCP connections of viewers: each has a task and two small buffers. More wait to be accepted.
pub(crate) const WEBRTC_TCP_CONNECTIONS: usize = 1_024;

/// How long a TCP connection may say nothing before its first packet, which names its viewer.
pub(crate) const WEBRTC_TCP_FIRST_PACKET: Duration = Duration::from_secs(10);

/// A viewer that lost the picture is not sent the GOP again if the next keyframe comes this soon: browsers need as long to
/// catch up with a long GOP.
pub(crate) const WEBRTC_KEYFRAME_NEAR: Duration = Duration::from_millis(1_500);

/// A viewer that shall get a lower quality which nobody watches yet gets no more pictures of the higher one for so long: the
/// lower one begins with a keyframe, from which it can go on if it has not seen more by then.
pub(crate) const WEBRTC_CHANGE_HOLD: Duration = Duration::from_millis(1_500);

/// So long the old quality may need to come to where the new one begins: ffmpeg's pictures come some tenths of a second
/// after the camera's.
pub(crate) const WEBRTC_CHANGE_WAIT: Duration = Duration::from_millis(700);

/// A new quality that gives no picture for so long is given up.
pub(crate) const WEBRTC_CHANGE_STALL: Duration = Duration::from_secs(2);

/// A new quality without a keyframe for so long is given up: "smart" cameras have one every 10 to 20 s.
pub(crate) const WEBRTC_CHANGE_LONGEST: Duration = Duration::from_secs(25);

/// A queue on a viewer's line in which more pictures would only come later, and make the next quality wait.
pub(crate) const WEBRTC_LINE_FULL: Duration = Duration::from_millis(500);

/// Bytes that wait to be written to a viewer by TCP: half a second of 4 Mbit/s. A viewer that does not take them gets no
/// more frames, and goes on at a keyframe.
pub(crate) const WEBRTC_TCP_QUEUE_BYTES: usize = 256 << 10;

/// Writes that wait with them: bursts and small control packets.
pub(crate) const WEBRTC_TCP_QUEUE_WRITES: usize = 64;

/// When a worker looks again at a viewer whose TCP connection was full.
pub(crate) const WEBRTC_TCP_RETRY: Duration = Duration::from_millis(5);

/// How long a camera may take to accept a connection, its TLS included. On a local network it takes milliseconds; people
/// who wait for a picture want to hear of it when it does not.
pub(crate) const DIAL_CONNECT_WAIT: Duration = Duration::from_secs(5);

/// How long a camera may take no bytes of a request.
pub(crate) const DIAL_WRITE_WAIT: Duration = Duration::from_secs(5);

/// How long the goodbye to a camera whose session has failed may take to be written: one write, or none.
pub(crate) const DIAL_FAREWELL_WAIT: Duration = Duration::from_millis(100);

/// Bytes read from a camera at once: a picture of a 4 Mbit/s camera has 20 KiB, a keyframe a few times that.
pub(crate) const DIAL_READ_BYTES: usize = 64 << 10;

/// Datagrams of a camera that one call receives: as much as the kernel joins.
pub(crate) const DIAL_RECEIVE_BYTES: usize = 64 << 10;

/// How old a picture is at most that answers a request for one, unless the request allows more. Cameras send a keyframe every
/// 1 or 2 s, which then is all that has to be decoded; one of 2 s is taken until the next has come in.
pub(crate) const PICTURE_MAX_AGE: Duration = Duration::from_millis(2_500);

/// How long pictures of a stream are kept fresh after a question: pages and automations ask every second or two.
pub(crate) const PICTURE_FOLLOW: Duration = Duration::from_secs(5);

/// How fresh at best, in that time: five pictures a second are decoded for less than their encoding takes.
pub(crate) const PICTURE_FOLLOW_INTERVAL: Duration = Duration::from_millis(200);

/// How long a question waits for a keyframe of a stream that has none yet: cameras send one every 10 s at worst, and go2rtc's
/// clients give up after that.
pub(crate) const PICTURE_WAIT: Duration = Duration::from_secs(9);

/// How long a question waits for a fresh picture where there is an old one: a GOP of 10 s of 1080p is decoded by then.
pub(crate) const PICTURE_CATCH_UP_WAIT: Duration = Duration::from_secs(3);

/// How long a decoder works before others get its thread: a question waits no longer for that.
pub(crate) const PICTURE_DECODE_SLICE: Duration = Duration::from_millis(100);

/// Keyframes in a row that cannot be decoded before ffmpeg is tried: one may be damaged.
pub(crate) const PICTURE_FAILED_KEYFRAMES: u32 = 2;

/// Questions whose pictures wait to be made: a second of work on one processor.
pub(crate) const PICTURE_JOBS_WAITING: usize = 64;

/// Sizes and forms in which one picture is kept: a dashboard's thumbnails, a page's full view, a text or two.
pub(crate) const PICTURE_LOOKS: usize = 16;

/// Pictures a second of a stream of them, where neither the request nor the camera says: fluent enough to see what goes on,
/// a sixth of what the camera sends.
pub(crate) const PICTURE_FPS: f64 = 5.0;

/// Pictures a second that may be asked for: what cameras send at most.
pub(crate) const PICTURE_FPS_MOST: u32 = 60;

/// Frames that wait for an ffmpeg that decodes pictures: the GOP so far, of 10 s of 50 pictures a second.
pub(crate) const PICTURE_CHILD_QUEUE: usize = 512;

/// Bytes read from it at once: as many as a pipe holds.
pub(crate) const PICTURE_CHILD_READ_BYTES: usize = 64 << 10;
/// How long a request waits for the camera behind a shared output: players and proxies give up after 10 s and more, and want
/// to hear the reason before that.
pub(crate) const OUTPUT_WAIT: Duration = Duration::from_secs(9);

/// Outputs of one stream and kind at a time: each is a muxer. Forms times choices of tracks that real players ask for are
/// fewer; callers who make up new choices without end are stopped here.
pub(crate) const OUTPUTS_OF_A_STREAM: usize = 32;

/// How long an HTTP caller may take nothing at all of the answer that waits for it. What is live is long past then.
pub(crate) const API_WRITE_WAIT: Duration = Duration::from_secs(10);

/// Bytes that the kernel keeps unsent for an HTTP caller: what a stalled one costs.
pub(crate) const API_UNSENT_BYTES: u32 = 512 << 10;

/// After this silence the kernel asks an HTTP caller whether it is still there: one that watches a camera that is away gets
/// nothing, and says nothing.
pub(crate) const API_TCP_KEEPALIVE: Duration = Duration::from_secs(30);

/// Bytes of a file with certificates or a key: a chain of a dozen.
pub(crate) const TLS_FILE_BYTES: u64 = 1 << 20;

/// Requests at a time on one HTTP/2 connection: a page's files, its playlists with their blocked reloads, some pictures.
pub(crate) const HTTP2_STREAMS: u32 = 100;

/// Requests that a caller took back before they were looked at, or that broke the protocol: more of them is an attack
/// (CVE-2023-44487), and ends the connection.
pub(crate) const HTTP2_RESETS: usize = 32;

/// Bytes of an answer that wait for a caller's HTTP/2 window, for each request.
pub(crate) const HTTP2_SEND_BYTES: usize = 128 << 10;

/// Bytes of an answer handed to HTTP/2 at once, so that each is a sign of life: at least 6 KiB/s within [`API_WRITE_WAIT`].
pub(crate) const HTTP2_PIECE_BYTES: usize = 64 << 10;

/// Signs of life asked of an HTTP/2 caller: HTTP/1.1 has a pause between requests that ends by [`API_HEADER_WAIT`], here
/// a connection without requests may stay for as long as it answers.
pub(crate) const HTTP2_PING: Duration = Duration::from_secs(20);

/// How long an HTTP/2 connection without a request stays: pages that come back find it, forgotten ones do not hold places.
pub(crate) const HTTP2_IDLE_WAIT: Duration = Duration::from_secs(120);

/// How far a viewer of an endless file may be behind its newest piece before it goes on at the next keyframe: as a consumer of
/// the stream itself.
pub(crate) const PROGRESSIVE_LAG: Duration = yeoul_hub::limits::MAX_LAG;

/// Bytes of an endless file that are kept for newcomers: a GOP of 10 s at 16 Mbit/s, as the stream itself keeps.
pub(crate) const PROGRESSIVE_BYTES: usize = yeoul_hub::limits::MAX_RING_BYTES;

/// Sound that waits for a picture to be written with: a player of sound alone gets it this often.
pub(crate) const PROGRESSIVE_SOUND: Duration = Duration::from_millis(100);

/// How long an endless file is made after its last viewer has gone: one that reloads finds it running.
pub(crate) const PROGRESSIVE_LINGER: Duration = Duration::from_secs(5);

/// How long a viewer waits for a keyframe to start from: cameras that save have one every 10 s.
pub(crate) const PROGRESSIVE_FIRST_WAIT: Duration = Duration::from_secs(15);

/// How long after its time a download with an end waits for a camera that is away.
pub(crate) const PROGRESSIVE_END_WAIT: Duration = Duration::from_secs(5);

/// Viewers of a load: more tasks and sockets than one machine feeds at a camera's bitrate.
pub(crate) const LOAD_VIEWERS: u32 = 10_000;

/// Seconds that a load measures at most: an hour shows a leak, and a forgotten load ends.
pub(crate) const LOAD_SECONDS: u64 = 3600;

/// Viewers that begin in a second at most: a server that restarts sees no more.
pub(crate) const LOAD_RAMP: u32 = 1000;

/// Processes that a server is made of.
pub(crate) const LOAD_PIDS: usize = 16;

/// How long the last viewers may take to their first media before measuring begins without them: a camera with a keyframe
/// every 10 s, and a server that waits for one.
pub(crate) const LOAD_JOIN_WAIT: Duration = Duration::from_secs(20);

/// How long viewers may take to say goodbye, all of them together.
pub(crate) const LOAD_END_WAIT: Duration = Duration::from_secs(2);

/// … and one of them.
pub(crate) const LOAD_FAREWELL_WAIT: Duration = Duration::from_millis(500);

/// A pause of media this long is seen by people as a picture that stands.
pub(crate) const LOAD_STALL: Duration = Duration::from_secs(1);

/// Time between two lines of progress.
pub(crate) const LOAD_PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// Different reasons of failed viewers that a report has: what is behind a failed load mostly is one or two …
pub(crate) const LOAD_REASONS: usize = 5;

/// … and the characters of one: a server's sentence.
pub(crate) const LOAD_REASON_CHARS: usize = 300;

/// Bytes at the beginning of a packet that are searched for a clock: it stands in front of the picture, behind parameter sets.
pub(crate) const LOAD_CLOCK_SEARCH_BYTES: usize = 400;

/// Bytes read from a connection at once: a keyframe of a 4 Mbit/s camera.
pub(crate) const LOAD_READ_BYTES: usize = 256 << 10;

/// Tracks that a viewer sets up: a picture and its sounds.
pub(crate) const LOAD_TRACKS: usize = 8;

/// Datagrams, or runs of equal ones, read with one call …
pub(crate) const LOAD_UDP_BATCH: usize = 8;

/// … and the bytes of one: what receive offload joins at most.
pub(crate) const LOAD_UDP_BUFFER_BYTES: usize = 64 << 10;

/// What the kernel may hold for a viewer: a GOP sent at once.
pub(crate) const LOAD_UDP_SOCKET_BYTES: usize = 4 << 20;

/// How long a viewer may take to a WebRTC connection: browsers give up after 15 s, people before.
pub(crate) const LOAD_WHEP_CONNECT_WAIT: Duration = Duration::from_secs(10);

/// Segments from the end at which a player of classic HLS begins (RFC 8216bis §6.3.3).
pub(crate) const LOAD_HLS_BEHIND: usize = 3;

/// Pause before a playlist is asked for again that had nothing new.
pub(crate) const LOAD_HLS_RELOAD_LEAST: Duration = Duration::from_millis(100);

/// How much later than its time media may come before the picture counts as standing: players hold back this much at least.
pub(crate) const LOAD_HLS_STALL_GRACE: Duration = Duration::from_secs(1);

/// Bytes of a clip that a camera of a load serves: a minute of 30 Mbit/s.
pub(crate) const LOAD_CLIP_BYTES: u64 = 256 << 20;

/// Seconds that a camera of a load runs at most: a day, then one that was forgotten ends.
pub(crate) const LOAD_CAMERA_SECONDS: u64 = 24 * 3600;

/// Bytes read at once from a pipe, a connection or an HTTP body that has frames in it: as many as a pipe holds.
pub(crate) const BYTES_READ: usize = 64 << 10;

/// How long a source of bytes may give nothing before it has failed: cameras that send pictures send one every 10 s at worst.
pub(crate) const SOURCE_SILENCE: Duration = Duration::from_secs(15);

/// How long a program may take to its first frame: go2rtc's bound, for ffmpeg may look for a camera's tracks for long.
pub(crate) const CHILD_START_WAIT: Duration = Duration::from_secs(30);

/// Seconds that `#starttimeout=` may say: longer starts are no starts.
pub(crate) const EXEC_START_WAIT: std::ops::RangeInclusive<u64> = 1..=600;

/// Seconds that `#killtimeout=` may say: a program that writes a file to its end has had time then.
pub(crate) const EXEC_KILL_WAIT: std::ops::RangeInclusive<u64> = 0..=60;

/// How long the command of an `echo:` source may take: it asks a service for an address.
pub(crate) const ECHO_WAIT: Duration = Duration::from_secs(10);

/// Bytes of the address it writes.
pub(crate) const ECHO_BYTES: u64 = 16 << 10;

/// Programs in `exec.allow_paths` and `echo.allow_paths`.
pub(crate) const ALLOWED_PROGRAMS: usize = 64;

/// Bytes of a template in the section `ffmpeg`.
pub(crate) const FFMPEG_TEMPLATE_BYTES: usize = 4 << 10;

/// How far a source of bytes may run ahead of the clock before no more is taken from it: a file played from a disk does, what a
/// camera has in store when it is dialled does for a moment.
pub(crate) const SOURCE_AHEAD: Duration = Duration::from_secs(2);

/// Bytes that were waited for so long come live: nothing is in store behind them.
pub(crate) const SOURCE_WAITED: Duration = Duration::from_millis(10);

/// How long a server may take to the head of its answer: cameras make a picture first.
pub(crate) const HTTP_ANSWER_WAIT: Duration = Duration::from_secs(10);

/// Redirects that are followed: one to another name, one to TLS, one to a session.
pub(crate) const HTTP_REDIRECTS: usize = 5;

/// Cookies that are kept of a server: a session and a check.
pub(crate) const HTTP_COOKIES: usize = 16;

/// Bytes of an answer that is text: a playlist, an SDP answer, why something is refused.
pub(crate) const HTTP_TEXT_BYTES: usize = 1 << 20;

/// Characters that are told of why a server refuses: a sentence.
pub(crate) const HTTP_REASON_CHARS: usize = 200;

/// Headers that a source may add to its requests.
pub(crate) const HTTP_SOURCE_HEADERS: usize = 32;

/// Bytes of the head of an answer.
pub(crate) const HTTP_HEAD_BYTES: usize = 64 << 10;

/// The shortest time from one request for a picture to the next: most cameras make no more of them.
pub(crate) const HTTP_PICTURE_INTERVAL: Duration = Duration::from_millis(200);

/// Bytes of a playlist: a day in segments of 2 s, each with a signed address of 150 bytes.
pub(crate) const HLS_PLAYLIST_BYTES: usize = 8 << 20;

/// Bytes of a segment: 10 s at 25 Mbit/s. Three of them are kept: what is played, what waits, what is being fetched.
pub(crate) const HLS_SEGMENT_BYTES: usize = 32 << 20;

/// How long a playlist, a segment or a key may take: three times what the longest usual segments play.
pub(crate) const HLS_FETCH_WAIT: Duration = Duration::from_secs(30);

/// Keys that are kept of a playlist: services change them every few minutes.
pub(crate) const HLS_KEYS: usize = 4;

/// Bytes read from a file at once: a tenth of a second of 20 Mbit/s.
pub(crate) const FILE_READ_BYTES: usize = 256 << 10;

/// Bytes of samples that go to be played at once: as many.
pub(crate) const FILE_BATCH_BYTES: usize = 256 << 10;

/// Boxes at the top of an MP4 file that are looked at for its index: plain files have about five, others are fragmented.
pub(crate) const FILE_TOP_BOXES: usize = 64;

/// How long a server may take for the goodbye to it; DTLS has said it already.
pub(crate) const WEBRTC_FAREWELL_WAIT: Duration = Duration::from_secs(2);

/// Longest message of a WebSocket on which a call is answered: an answer with its candidates has a few KiB.
pub(crate) const WEBRTC_SIGNAL_BYTES: usize = 64 << 10;

/// Most messages before the answer: each of the server's candidates may come alone.
pub(crate) const WEBRTC_SIGNALS_BEFORE_ANSWER: usize = 64;

/// Longest that a datagram may have waited in the kernel, by its clock: its buffer has room for less.
pub(crate) const WEBRTC_LONGEST_UNREAD: Duration = Duration::from_secs(2);

/// Profiles of a camera that are told where one is asked for that is not there: those of a recorder fill no screen.
pub(crate) const ONVIF_PROFILES_TOLD: usize = 16;

/// How long a search for cameras waits for answers: they come within 500 ms of a probe (WS-Discovery, APP_MAX_DELAY), of which there
/// are two; go2rtc waits for 5 s.
pub(crate) const DISCOVERY_WAIT: Duration = Duration::from_secs(3);

/// When a search asks again, for what was lost.
pub(crate) const DISCOVERY_REPEAT: Duration = Duration::from_millis(700);

/// Interfaces of this machine on which cameras are searched.
pub(crate) const DISCOVERY_INTERFACES: usize = 32;

/// Datagrams that a search reads on one interface: 256 cameras that answer each of four probes twice.
pub(crate) const DISCOVERY_DATAGRAMS: usize = 2048;

/// Cameras that a search finds: more do not live in one network.
pub(crate) const DISCOVERY_DEVICES: usize = 256;

/// How long a camera moves unless it is told: a step.
pub(crate) const PTZ_MOVE_USUAL: Duration = Duration::from_secs(1);

/// How long it moves at most, when nothing more is heard of whoever moves it.
pub(crate) const PTZ_MOVE_LONGEST: Duration = Duration::from_secs(10);
