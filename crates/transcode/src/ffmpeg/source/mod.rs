//! A source that ffmpeg reads, as go2rtc's users write it: `ffmpeg:INPUT#video=h264#audio=opus#width=1280`.
//!
//! [`Source::parse`] takes the text apart, [`Source::arguments`] makes the command line, with [`Templates`] for its parts. Whoever
//! runs it says what a bare name is (a stream, or a file) and which way frames come back.

mod input;
mod templates;

pub use input::LIST;
pub use templates::Templates;

use super::words;
use std::fmt;

/// A source that ffmpeg reads.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    /// As written, `ffmpeg:` included.
    text: String,
    input: Input,
    video: Vec<String>,
    audio: Vec<String>,
    options: Options,
}

/// What is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The address of something: `rtsp://…`, `http://…`.
    Url(String),
    /// A stream of this server, or a file.
    Name(String),
    /// A camera or microphone of this machine: the words behind the question mark, in their order.
    Device(Vec<(String, String)>),
    /// What ffmpeg makes up, a test picture or a tone: as above.
    Virtual(Vec<(String, String)>),
}

/// The parameters behind `#`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Options {
    width: Option<u32>,
    height: Option<u32>,
    turn: Option<&'static str>,
    drawtext: Option<String>,
    bitrate: Option<String>,
    raw: Vec<String>,
    template: Option<String>,
    timeout_s: Option<u32>,
    hardware: Option<Hardware>,
    follows_arrival: bool,
}

/// Which encoder in hardware is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hardware {
    /// Whichever there is.
    Any,
    /// This one.
    This(Engine),
}

/// An encoder in hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Intel and AMD on Linux.
    Vaapi,
    /// NVIDIA.
    Cuda,
    /// Raspberry Pi and others, by the kernel.
    V4l2m2m,
    /// Rockchip.
    Rkmpp,
    /// Apple.
    Videotoolbox,
}

impl Engine {
    /// As it is called behind `#hardware=` and in the names of templates.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vaapi => "vaapi",
            Self::Cuda => "cuda",
            Self::V4l2m2m => "v4l2m2m",
            Self::Rkmpp => "rkmpp",
            Self::Videotoolbox => "videotoolbox",
        }
    }
}

/// Why a text names no source for ffmpeg.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Nothing to read.
    #[error(
        "expected ffmpeg: and what it reads: an address, the name of a stream, device?…, virtual?… or a file"
    )]
    NoInput,
    /// A number that is none, or out of range.
    #[error("#{key}={value}: expected {expected}")]
    Value {
        /// The parameter.
        key: String,
        /// As it was written.
        value: String,
        /// What it can be.
        expected: &'static str,
    },
    /// A parameter that nobody knows.
    #[error(
        "#{0} means nothing to ffmpeg sources; known are video, audio, width, height, rotate, drawtext, bitrate, hardware, input, \
         timeout, raw, async and query"
    )]
    Unknown(String),
    /// Speech.
    #[error("ffmpeg:tts is not supported yet")]
    Speech,
    /// No address for SRT.
    #[error("expected an address such as srt://192.168.1.64:9000 or srt://:9000?mode=listener")]
    Srt,
}

/// The way frames come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output<'a> {
    /// An MPEG transport stream on standard output.
    MpegTs,
    /// JPEG pictures on standard output.
    Jpeg,
    /// AAC on standard output.
    Adts,
    /// WAV on standard output.
    Wav,
    /// It publishes to this address by RTSP.
    Rtsp(&'a str),
}

/// Where ffmpeg finds what it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Where the source says.
    Own,
    /// At this address: that of a stream of this server, or one that leads on to the source's own.
    At(&'a str),
    /// In a list on its standard input: [`Source::list`].
    Listed,
}

/// What whoever runs it has found out.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// Where the input is found.
    pub place: Place<'a>,
    /// The encoder to use where one in hardware is wanted; `None` does it without.
    pub engine: Option<Engine>,
    /// The way back.
    pub output: Output<'a>,
}

impl Source {
    /// Reads `ffmpeg:…`.
    ///
    /// # Errors
    /// If there is nothing to read, or a parameter makes no sense.
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        let rest = text.split_once(':').map_or("", |(_, rest)| rest);
        let mut parts = rest.split('#');
        let input = Input::parse(parts.next().unwrap_or_default().trim())?;
        let mut source = Self {
            text: text.to_owned(),
            input,
            video: Vec::new(),
            audio: Vec::new(),
            options: Options::default(),
        };
        for part in parts.filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            source.parameter(key, value)?;
        }
        Ok(source)
    }

    /// Reads `srt://host:port?mode=caller#…`, which ffmpeg reads with the same parameters.
    ///
    /// # Errors
    /// As [`Source::parse`], and if there is no port.
    pub fn parse_srt(text: &str) -> Result<Self, SourceError> {
        let address = text.split(['?', '#']).next().unwrap_or_default();
        let port = address.rsplit_once(':').map(|(_, port)| port.trim_end_matches('/'));
        if !port.is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0)) {
            return Err(SourceError::Srt);
        }
        let source = Self::parse(&format!("ffmpeg:{text}"))?;
        Ok(Self { text: text.to_owned(), ..source })
    }

    /// A file, read by this template of an input and copied.
    #[must_use]
    pub fn of_file(path: &str, template: &str) -> Self {
        Self {
            text: format!("file:{path}"),
            input: Input::Name(path.to_owned()),
            video: Vec::new(),
            audio: Vec::new(),
            options: Options { template: Some(template.to_owned()), ..Options::default() },
        }
    }

    fn parameter(&mut self, key: &str, value: &str) -> Result<(), SourceError> {
        let wrong = |expected| SourceError::Value { key: key.to_owned(), value: value.to_owned(), expected };
        let number =
            |expected| value.parse::<u32>().ok().filter(|n| (1..=16_384).contains(n)).ok_or(wrong(expected));
        let options = &mut self.options;
        let or_copy = |value: &str| if value.is_empty() { "copy" } else { value }.to_owned();
        match key {
            "video" => self.video.push(or_copy(value)),
            // `auto` asks for what browsers take by WebRTC.
            "audio" if value == "auto" => self.audio.push("opus".to_owned()),
            "audio" => self.audio.push(or_copy(value)),
            // -1 leaves a side to the other one.
            "width" if value == "-1" => {}
            "height" if value == "-1" => {}
            "width" => options.width = Some(number("pixels such as 1280")?),
            "height" => options.height = Some(number("pixels such as 720")?),
            "rotate" => {
                options.turn = Some(match value {
                    "0" => return Ok(()),
                    "90" => "transpose=1",
                    "180" => "hflip,vflip",
                    "270" | "-90" => "transpose=2",
                    _ => return Err(wrong("90, 180, 270 or -90")),
                });
            }
            "drawtext" => options.drawtext = Some(value.to_owned()),
            "bitrate" => options.bitrate = Some(value.to_owned()),
            "raw" => options.raw.push(value.to_owned()),
            "input" => options.template = Some(value.to_owned()),
            "timeout" => options.timeout_s = Some(number("seconds such as 10")?),
            "async" => options.follows_arrival = true,
            "hardware" => {
                options.hardware = Some(match value {
                    "" => Hardware::Any,
                    "vaapi" => Hardware::This(Engine::Vaapi),
                    "cuda" => Hardware::This(Engine::Cuda),
                    "v4l2m2m" => Hardware::This(Engine::V4l2m2m),
                    "rkmpp" => Hardware::This(Engine::Rkmpp),
                    "videotoolbox" => Hardware::This(Engine::Videotoolbox),
                    _ => return Err(wrong("vaapi, cuda, v4l2m2m, rkmpp or videotoolbox")),
                });
            }
            // go2rtc appends it to the address at which ffmpeg reads a stream; nothing in it changes what is read here.
            "query" => {}
            _ => return Err(SourceError::Unknown(key.to_owned())),
        }
        Ok(())
    }

    /// What is read.
    #[must_use]
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// Whether an encoder in hardware is wanted.
    #[must_use]
    pub fn hardware(&self) -> Option<Hardware> {
        self.options.hardware
    }

    /// Everything is taken as it comes.
    fn wants_all(&self) -> bool {
        self.video.is_empty() && self.audio.is_empty()
    }

    /// Whether pictures, and whether sound are wanted; with neither named, both are taken as they come.
    #[must_use]
    pub fn wants(&self) -> (bool, bool) {
        let all = self.wants_all();
        (all || !self.video.is_empty(), all || !self.audio.is_empty())
    }

    /// Whether nothing in it reaches further than the names of presets and numbers do: no arguments, templates or filters.
    #[must_use]
    pub fn is_tame(&self) -> bool {
        let options = &self.options;
        let preset = |name: &String| name == "copy" || templates::is_preset(name);
        let bitrate = options.bitrate.as_deref().unwrap_or_default();
        self.video.iter().chain(&self.audio).all(preset)
            && options.raw.is_empty()
            && options.template.is_none()
            && options.drawtext.is_none()
            && bitrate.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
    }

    /// The way back that carries what will come; `rtsp` is where ffmpeg can publish to, if it can.
    ///
    /// A pipe has no second connection and no second clock, but no container is both read here and carries everything: what is
    /// copied may be anything, so that goes by RTSP where there is a way.
    #[must_use]
    pub fn output<'a>(&self, templates: &Templates, rtsp: Option<&'a str>) -> Output<'a> {
        let is = |list: &[String], names: &[&str]| {
            let preset = |name: &String| name.split('/').next().is_some_and(|name| names.contains(&name));
            list.iter().all(preset)
        };
        if !templates.has_own("output") {
            match (self.video.len(), self.audio.len()) {
                (1, 0) if is(&self.video, &["mjpeg"]) => return Output::Jpeg,
                (0, 1) if is(&self.audio, &["aac"]) => return Output::Adts,
                (0, 1) if is(&self.audio, &["pcma", "pcmu", "pcm", "pcml"]) => return Output::Wav,
                // SRT carries a transport stream: that is what comes out, and RTSP would need sound in another form.
                (0, 0) if matches!(&self.input, Input::Url(url) if url.starts_with("srt:")) => {
                    return Output::MpegTs;
                }
                (0, 0) => {}
                _ if is(&self.video, &["h264", "h265"]) && is(&self.audio, &["opus", "aac", "mp3"]) => {
                    return Output::MpegTs;
                }
                _ => {}
            }
        }
        rtsp.map_or(Output::MpegTs, Output::Rtsp)
    }

    /// The command line, without the program.
    #[must_use]
    pub fn arguments(&self, templates: &Templates, surroundings: Surroundings<'_>) -> Vec<String> {
        let mut arguments = words(&templates.get("global").unwrap_or_default());
        arguments.extend(words("-nostdin -loglevel error"));
        let hardware = surroundings.engine.filter(|_| self.options.hardware.is_some());
        if hardware == Some(Engine::Vaapi) {
            arguments.extend(words("-vaapi_device /dev/dri/renderD128"));
        }
        if self.options.follows_arrival {
            arguments.extend(words("-use_wallclock_as_timestamps 1"));
        }
        arguments.extend(self.input_arguments(templates, surroundings.place));
        let coder = hardware.filter(|_| self.video.iter().any(|name| name != "copy"));
        self.coding(templates, coder, &mut arguments);
        let (name, output) = match surroundings.output {
            Output::MpegTs => ("output/mpegts", ""),
            Output::Jpeg => ("output/mjpeg", ""),
            Output::Adts => ("output/aac", ""),
            Output::Wav => ("output/wav", ""),
            Output::Rtsp(url) => ("output", url),
        };
        arguments.extend(filled(&templates.get(name).unwrap_or_default(), "{output}", output));
        arguments
    }

    /// Whether ffmpeg follows a redirect to what it reads: of RTSP and HTTP, but not of one in the other, and not where it listens itself.
    #[must_use]
    pub fn follows_redirects(&self, templates: &Templates) -> bool {
        let Input::Url(url) = &self.input else { return false };
        let words = words(&self.input_template(templates, url));
        let mut pairs = words.iter().zip(words.iter().skip(1));
        let is_other = pairs.any(|(option, value)| match option.as_str() {
            "-rtsp_transport" => value.starts_with("http"),
            "-rtsp_flags" => value.contains("listen"),
            "-listen" => true,
            _ => false,
        });
        matches!(url.split_once("://"), Some(("rtsp" | "rtsps" | "http" | "https", _))) && !is_other
    }

    /// What ffmpeg is to find on its standard input at [`Place::Listed`]: the address, for its concat demuxer. `None` where that would not
    /// do: where the input has a template of its own, whose options that demuxer may not know; and of what is neither RTMP nor SRT that
    /// comes back as it is, because behind that demuxer ffmpeg does not correct steps of the time of a transport stream.
    #[must_use]
    pub fn list(&self, templates: &Templates) -> Option<String> {
        let Input::Url(url) = &self.input else { return None };
        let has_own_template = self.options.template.is_some() || templates.has_own(input::template_of(url));
        let comes_as_it_is = self.output(templates, Some("")) == Output::MpegTs && self.wants_all();
        let is_fit = url.starts_with("rtmp") || url.starts_with("srt:") && comes_as_it_is;
        if has_own_template || !is_fit {
            return None;
        }
        // Within quotes nothing but a quote means anything.
        let quoted = url.replace(['\r', '\n'], "").replace('\'', r"'\''");
        Some(format!("ffconcat version 1.0\nfile '{quoted}'\n"))
    }

    /// Codecs and filters.
    fn coding(&self, templates: &Templates, engine: Option<Engine>, arguments: &mut Vec<String>) {
        if self.video.is_empty() && self.audio.is_empty() {
            arguments.extend(words("-c copy -dn -sn"));
        } else if self.video.is_empty() {
            arguments.extend(words("-vn"));
        }
        for name in &self.video {
            let hardware = engine.and_then(|engine| templates.get(&format!("{name}/{}", engine.name())));
            arguments.extend(words(&codec(templates, name, 'v', hardware)));
        }
        for name in &self.audio {
            arguments.extend(words(&codec(templates, name, 'a', None)));
        }
        if self.audio.is_empty() && !self.video.is_empty() {
            arguments.extend(words("-an"));
        }
        let filters = self.filters(engine);
        if !filters.is_empty() {
            arguments.extend(["-vf".to_owned(), filters.join(",")]);
        }
        if self.options.follows_arrival && !self.audio.is_empty() {
            arguments.extend(words("-af aresample=async=1"));
        }
        if let Some(bitrate) = &self.options.bitrate {
            for name in ["-b:v", "-maxrate", "-bufsize"] {
                arguments.extend([name.to_owned(), bitrate.clone()]);
            }
        }
        arguments.extend(self.options.raw.iter().flat_map(|raw| words(raw)));
    }

    fn filters(&self, engine: Option<Engine>) -> Vec<String> {
        let Options { width, height, turn, drawtext, .. } = &self.options;
        let mut filters = Vec::new();
        if width.is_some() || height.is_some() {
            // The other side keeps the shape, and is even: chroma has half of it.
            let side = |side: &Option<u32>| side.map_or("-2".to_owned(), |pixels| pixels.to_string());
            filters.push(format!("scale={}:{}", side(width), side(height)));
        }
        filters.extend(turn.map(str::to_owned));
        filters.extend(drawtext.as_ref().map(|text| format!("drawtext={text}")));
        if engine == Some(Engine::Vaapi) {
            filters.push("format=nv12,hwupload".to_owned());
        }
        filters
    }
}

/// The arguments of a codec: a template's, or those written in its place.
fn codec(templates: &Templates, name: &str, kind: char, hardware: Option<String>) -> String {
    match name {
        "copy" => format!("-c:{kind} copy"),
        _ => hardware.or_else(|| templates.get(name)).unwrap_or_else(|| name.to_owned()),
    }
}

/// A template's words, with `value` where it has a place for it: one word, whatever is in it.
fn filled(template: &str, place: &str, value: &str) -> Vec<String> {
    words(template).into_iter().map(|word| word.replace(place, value)).collect()
}

/// As written: may hold a password.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Without what it reads, which may hold a password.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("video", &self.video)
            .field("audio", &self.audio)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
