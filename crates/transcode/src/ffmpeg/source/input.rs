//! What ffmpeg reads: addresses, files, devices, pictures that it makes up.

use super::{Input, Place, Source, SourceError, Templates, filled, words};

/// The words behind the question mark of `device?…` and `virtual?…`, in their order.
pub(super) type Query = Vec<(String, String)>;

/// Names of sizes, as go2rtc has them.
const SIZES: &[(&str, &str)] = &[
    ("480", "640x480"),
    ("576", "720x576"),
    ("720", "1280x720"),
    ("1080", "1920x1080"),
    ("2K", "2560x1440"),
    ("4K", "3840x2160"),
    ("8K", "7680x4320"),
];

/// What makes ffmpeg read an address from a list: its demuxer, and the protocols that one may use; its own is to be added.
const OF_LIST: &str = "-f concat -safe 0 -protocol_whitelist pipe,crypto,ffrtmpcrypt,ffrtmphttp,http,https,rtp,srtp,tcp,tls,udp,";
/// What ffmpeg calls a list on its standard input ([`Place::Listed`]).
pub const LIST: &str = "pipe:0";

/// Seconds that a network source may be silent, unless a template or the source says otherwise.
const USUAL_TIMEOUT_S: u32 = 5;

impl Input {
    pub(super) fn parse(text: &str) -> Result<Self, SourceError> {
        let (name, query) = text.split_once('?').unwrap_or((text, ""));
        match name {
            "" => Err(SourceError::NoInput),
            _ if text.contains("://") => Ok(Self::Url(text.to_owned())),
            "device" => Ok(Self::Device(pairs(query))),
            "virtual" => Ok(Self::Virtual(pairs(query))),
            "tts" => Err(SourceError::Speech),
            _ => Ok(Self::Name(text.to_owned())),
        }
    }
}

fn pairs(query: &str) -> Query {
    let pairs = query.split('&').filter(|part| !part.is_empty());
    pairs
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (key.to_owned(), value.to_owned())
        })
        .collect()
}

fn of<'a>(query: &'a Query, key: &str) -> Option<&'a str> {
    query.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
}

impl Source {
    /// Everything up to `-i` and what stands behind it.
    pub(super) fn input_arguments(&self, templates: &Templates, place: Place<'_>) -> Vec<String> {
        match &self.input {
            Input::Url(url) => {
                let name = template_of(url);
                match place {
                    Place::Own => self.templated(templates, name, url),
                    Place::At(other) => self.templated(templates, name, other),
                    Place::Listed => {
                        let of_list = format!("{OF_LIST}{}", scheme(url));
                        [words(&of_list), self.templated(templates, name, LIST)].concat()
                    }
                }
            }
            Input::Name(_) if let Place::At(url) = place => self.templated(templates, "rtsp", url),
            Input::Name(path) => self.templated(templates, "file", path),
            Input::Device(query) => device(query),
            Input::Virtual(query) => made_up(query),
        }
    }

    /// The template of the input at this address.
    pub(super) fn input_template(&self, templates: &Templates, url: &str) -> String {
        self.template(templates, template_of(url))
    }

    fn template(&self, templates: &Templates, name: &str) -> String {
        match &self.options.template {
            // The name of a template, or one itself.
            Some(own) => templates.get(own).unwrap_or_else(|| own.clone()),
            None => templates.get(name).unwrap_or_default(),
        }
    }

    fn templated(&self, templates: &Templates, name: &str, input: &str) -> Vec<String> {
        let template = self.template(templates, name);
        let seconds = self.options.timeout_s.or_else(|| templates.get("timeout")?.trim().parse().ok());
        let micros = u64::from(seconds.unwrap_or(USUAL_TIMEOUT_S)) * 1_000_000;
        let template = template.replace("{timeout}", &micros.to_string());
        filled(&template, "{input}", input)
    }
}

fn scheme(url: &str) -> &str {
    url.split("://").next().unwrap_or_default()
}

/// The name of the template by which an address is read, where the source names no other.
pub(super) fn template_of(url: &str) -> &'static str {
    match scheme(url) {
        "rtsp" | "rtsps" => "rtsp",
        _ => "http",
    }
}

/// A camera by V4L2 and a microphone by ALSA, or both by AVFoundation. Other words are options of theirs.
fn device(query: &Query) -> Vec<String> {
    let mut options = Vec::new();
    for (key, value) in query {
        let key = match key.as_str() {
            "video" | "audio" => continue,
            "resolution" => "video_size",
            other => other,
        };
        options.extend([format!("-{key}"), value.clone()]);
    }
    let (video, audio) = (of(query, "video"), of(query, "audio"));
    if cfg!(target_os = "macos") {
        let both = format!("{}:{}", video.unwrap_or("none"), audio.unwrap_or("none"));
        return [words("-f avfoundation"), options, vec!["-i".to_owned(), both]].concat();
    }
    let mut arguments = Vec::new();
    if let Some(video) = video {
        // A number is that of the device.
        let path = if video.bytes().all(|byte| byte.is_ascii_digit()) {
            format!("/dev/video{}", if video.is_empty() { "0" } else { video })
        } else {
            video.to_owned()
        };
        arguments = [words("-f v4l2"), options.clone(), vec!["-i".to_owned(), path]].concat();
    }
    if let Some(audio) = audio {
        let device = if audio.is_empty() { "default" } else { audio };
        let options = if video.is_some() { Vec::new() } else { options };
        arguments.extend([words("-f alsa"), options, vec!["-i".to_owned(), device.to_owned()]].concat());
    }
    arguments
}

/// A source of libavfilter for the picture, one for the sound, as fast as they play.
fn made_up(query: &Query) -> Vec<String> {
    let mut arguments = words("-re");
    let audio = of(query, "audio");
    if of(query, "video").is_some() || audio.is_none() {
        let name = of(query, "video").filter(|name| !name.is_empty()).unwrap_or("testsrc2");
        let mut options = Vec::new();
        for (key, value) in query.iter().filter(|(key, _)| !matches!(key.as_str(), "video" | "audio")) {
            let known = SIZES.iter().find(|(short, _)| short == value).filter(|_| key == "size");
            options.push(format!("{key}={}", known.map_or(value.as_str(), |(_, size)| size)));
        }
        let graph =
            if options.is_empty() { name.to_owned() } else { format!("{name}={}", options.join(":")) };
        arguments.extend(["-f".to_owned(), "lavfi".to_owned(), "-i".to_owned(), graph]);
    }
    if let Some(audio) = audio {
        let name = if audio.is_empty() { "sine" } else { audio };
        let names = ["-re", "-f", "lavfi", "-i", name].map(str::to_owned);
        // The first one stands at the beginning already.
        arguments.extend(names.into_iter().skip(usize::from(arguments.len() == 1)));
    }
    arguments
}
