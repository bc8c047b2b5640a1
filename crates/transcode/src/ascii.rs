//! Pictures of characters for terminals that know ANSI's control sequences (ECMA-48 §8.3.117, SGR).
//!
//! `color`, `back` and `text` are go2rtc's: a palette for the characters, one for what is behind them, and the characters from dark
//! to light. One character stands for one pixel, so the picture is made small before ([`cells`]).

use crate::limits::MAX_ASCII_SIDE;
use crate::picture::{Picture, Size};
use std::fmt::Write as _;

/// Clears the terminal: once, before the first picture.
pub const CLEAR: &str = "\x1b[2J";
/// Goes to the upper left corner: before each picture.
pub const HOME: &str = "\x1b[H";
/// Back to the terminal's own colours.
const RESET: &str = "\x1b[0m";

/// From dark to light, about evenly on a dark terminal.
const LETTERS: &str = " .:-=+*#%@";
/// The same of shades and a full block.
const BLOCKS: &str = " ░▒▓█";
/// Characters of a ramp that somebody asks for: there are 256 shades.
const MAX_RAMP: usize = 256;
/// Pictures up to so many pixels wide are drawn pixel by pixel: they were made for a terminal.
const MAX_DRAWN_AS_IS: usize = 240;
/// Columns of larger ones.
const COLUMNS: usize = 120;

/// The colours that may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Palette {
    /// The eight of every terminal.
    Eight,
    /// The 256 of xterm.
    Xterm,
    /// Any.
    Rgb,
}

impl Palette {
    /// `8`, `256` or `rgb`; anything else is no colour.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "8" => Some(Self::Eight),
            "256" => Some(Self::Xterm),
            "rgb" => Some(Self::Rgb),
            _ => None,
        }
    }
}

/// How a picture is drawn.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Style {
    color: Option<Palette>,
    back: Option<Palette>,
    /// From dark to light, at least one.
    ramp: Vec<char>,
}

impl Style {
    /// The style of go2rtc's parameters `color`, `back` and `text`, each empty if it is not given. `text` is `block`, a single
    /// character, or several from dark to light. Control characters are left out of it: they would command the terminal.
    #[must_use]
    pub fn new(color: &str, back: &str, text: &str) -> Self {
        let text = match text {
            "" => LETTERS,
            "block" => BLOCKS,
            other => other,
        };
        let mut ramp: Vec<char> = text.chars().filter(|c| !c.is_control()).take(MAX_RAMP).collect();
        if ramp.is_empty() {
            ramp = LETTERS.chars().collect();
        }
        Self { color: Palette::parse(color), back: Palette::parse(back), ramp }
    }
}

/// How many columns and lines a picture of `size` is drawn with, where `width` and `height` are what was asked for.
///
/// Without either, a small picture is drawn as it is, and a large one with 120 columns of characters twice as high as wide.
#[must_use]
pub fn cells(size: Size, width: Option<usize>, height: Option<usize>) -> Size {
    let cells = match (width, height) {
        (None, None) if size.width <= MAX_DRAWN_AS_IS => size,
        (None, None) => {
            let lines = COLUMNS * size.height / (2 * size.width);
            Size::new(COLUMNS, lines)
        }
        (width, height) => size.asked(width, height).unwrap_or(size),
    };
    let side = |side: usize| side.clamp(1, MAX_ASCII_SIDE);
    Size::new(side(cells.width), side(cells.height))
}

/// The picture as text: lines of one character for each pixel, with the colours of `style`.
#[must_use]
pub fn draw(picture: Picture, style: &Style) -> String {
    let picture = picture.into_jpeg_color();
    let (size, chroma_width) = (picture.size(), picture.size().chroma().width);
    let [luma, blues, reds] = picture.planes();
    let mut text = String::with_capacity(size.pixels() * 2);
    // What was told the terminal last.
    let (mut color, mut back) = (None, None);
    for (y, row) in luma.chunks_exact(size.width).enumerate() {
        let chroma = y / 2 * chroma_width..(y / 2 + 1) * chroma_width;
        let (blues, reds) = (&blues[chroma.clone()], &reds[chroma]);
        for (x, &luma) in row.iter().enumerate() {
            let rgb = rgb(luma, blues[x / 2], reds[x / 2]);
            tell(&mut text, style.color, &mut color, 30, rgb);
            tell(&mut text, style.back, &mut back, 40, rgb);
            let at = usize::from(luma) * style.ramp.len() / 256;
            text.extend(style.ramp.get(at));
        }
        text.push('\n');
    }
    text.push_str(RESET);
    text
}

/// What a palette's colour is called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Index(u8),
    Rgb([u8; 3]),
}

/// Switches to the palette's colour for `rgb`, unless it is `last` already. `base` is 30 for characters, 40 for what is behind.
fn tell(text: &mut String, palette: Option<Palette>, last: &mut Option<Told>, base: u8, rgb: [u8; 3]) {
    let told = match palette {
        None => return,
        Some(Palette::Eight) => Told::Index(nearest_of_eight(rgb)),
        Some(Palette::Xterm) => Told::Index(nearest_of_xterm(rgb)),
        Some(Palette::Rgb) => Told::Rgb(rgb),
    };
    if last.replace(told) == Some(told) {
        return;
    }
    // A string takes every write.
    let _ = match (told, palette) {
        (Told::Index(index), Some(Palette::Eight)) => write!(text, "\x1b[{}m", base + index),
        (Told::Index(index), _) => write!(text, "\x1b[{};5;{index}m", base + 8),
        (Told::Rgb([r, g, b]), _) => write!(text, "\x1b[{};2;{r};{g};{b}m", base + 8),
    };
}

/// Red, green and blue of JPEG's luma and chroma (JFIF 1.02), in 1024ths.
fn rgb(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    let (y, b, r) = (i32::from(luma) * 1024 + 512, i32::from(blue) - 128, i32::from(red) - 128);
    [y + 1436 * r, y - 352 * b - 731 * r, y + 1815 * b]
        .map(|value| u8::try_from((value >> 10).clamp(0, 255)).unwrap_or(u8::MAX))
}

fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    a.iter().zip(b).map(|(&a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
}

/// Black, red, green, yellow, blue, magenta, cyan and white, as xterm shows them.
fn nearest_of_eight(rgb: [u8; 3]) -> u8 {
    let shown = |index: u8| match index {
        7 => [0xc0; 3],
        _ => [index & 1, index >> 1 & 1, index >> 2].map(|on| on * 0x80),
    };
    (0..8).min_by_key(|&index| distance(shown(index), rgb)).unwrap_or(0)
}

/// The 216 of a cube of six steps, and 24 greys; the first 16 depend on the terminal's theme.
fn nearest_of_xterm(rgb: [u8; 3]) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let step = |value: u8| (0..6u8).min_by_key(|&step| STEPS[usize::from(step)].abs_diff(value)).unwrap_or(0);
    let [r, g, b] = rgb.map(step);
    let cube = [r, g, b].map(|step| STEPS[usize::from(step)]);
    let mean = rgb.iter().map(|&value| u16::from(value)).sum::<u16>() / 3;
    let grey = u8::try_from(mean.saturating_sub(3) / 10).unwrap_or(u8::MAX).min(23);
    if distance([8 + 10 * grey; 3], rgb) < distance(cube, rgb) { 232 + grey } else { 16 + 36 * r + 6 * g + b }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Color;

    fn picture(luma: &[u8], width: usize, blue: u8, red: u8) -> Picture {
        let size = Size::new(width, luma.len() / width);
        let chroma = size.chroma().pixels();
        Picture::new(size, Color::JPEG, [luma.to_vec(), vec![blue; chroma], vec![red; chroma]]).unwrap()
    }

    #[test]
    fn luma_chooses_the_character() {
        let text = draw(picture(&[0, 128, 255, 30, 60, 200], 3, 128, 128), &Style::new("", "", "abc"));
        assert_eq!(text, "abc\naac\n\x1b[0m");
        let text = draw(picture(&[0, 255], 2, 128, 128), &Style::new("", "", "block"));
        assert_eq!(text, " █\n\x1b[0m");
    }

    #[test]
    fn a_colour_is_told_once() {
        // JFIF's red: luma 76, blue difference 85, red difference 255.
        let red = || picture(&[76; 4], 2, 85, 255);
        assert_eq!(draw(red(), &Style::new("8", "", "x")), "\x1b[31mxx\nxx\n\x1b[0m");
        assert_eq!(draw(red(), &Style::new("256", "", "x")), "\x1b[38;5;196mxx\nxx\n\x1b[0m");
        assert_eq!(draw(red(), &Style::new("", "rgb", "x")), "\x1b[48;2;254;0;0mxx\nxx\n\x1b[0m");
        let both = draw(picture(&[235; 2], 2, 128, 128), &Style::new("8", "256", "x"));
        assert_eq!(both, "\x1b[37m\x1b[48;5;255mxx\n\x1b[0m");
    }

    #[test]
    fn text_commands_no_terminal() {
        let style = Style::new("", "", "\x1b]0;title\x07");
        assert!(draw(picture(&[0, 99, 255, 17], 2, 128, 128), &style).matches('\x1b').count() == 1);
        assert_eq!(Style::new("", "", "\x1b"), Style::new("", "", ""));
    }

    #[test]
    fn large_pictures_get_columns_of_a_terminal() {
        assert_eq!(cells(Size::new(1920, 1080), None, None), Size::new(120, 33));
        assert_eq!(cells(Size::new(192, 54), None, None), Size::new(192, 54));
        assert_eq!(cells(Size::new(1920, 1080), Some(80), None), Size::new(80, 46));
        assert_eq!(cells(Size::new(1920, 1080), Some(80), Some(24)), Size::new(80, 24));
        assert_eq!(cells(Size::new(1920, 1080), Some(4000), None), Size::new(512, 512));
    }
}
