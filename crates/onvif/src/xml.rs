//! XML as a tree of elements with local names, read without a document type: no entity is ever expanded but those that every XML has.
//!
//! Cameras write `&` unescaped into addresses, and use prefixes that they never declare: both are read. Left out: namespaces,
//! encodings other than UTF-8 (of which the bytes that are none are replaced).

use crate::limits::{XML_BYTES, XML_DEPTH, XML_ITEMS};
use crate::soap::printable;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// An element with all that is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
}

/// Why bytes are no XML, or none that is read: a clause that goes on after "answers what".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// There is no element.
    #[error("is no XML; it begins with {0:?}")]
    None(String),
    /// It breaks off, or an element ends that has not begun.
    #[error("is no XML at byte {place}: {text}")]
    Syntax {
        /// Bytes before it.
        place: u64,
        /// What is wrong there.
        text: String,
    },
    /// It declares its own entities, of which a few bytes make gigabytes.
    #[error("has a document type, which SOAP forbids")]
    DocumentType,
    /// A bound.
    #[error("has more than {0}")]
    TooMuch(&'static str),
}

impl Element {
    /// Reads the first element of `bytes`.
    ///
    /// # Errors
    /// If there is none, if it is not well-formed, or has more of something than [`crate::limits`] allow.
    pub fn parse(bytes: &[u8]) -> Result<Self, XmlError> {
        if bytes.len() > XML_BYTES {
            return Err(XmlError::TooMuch("1 MiB"));
        }
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_start_matches('\u{feff}');
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.allow_dangling_amp = true;
        config.trim_markup_names_in_closing_tags = true;
        let mut open: Vec<Self> = Vec::new();
        let mut items = 0;
        loop {
            let event = reader.read_event().map_err(|error| XmlError::Syntax {
                place: reader.error_position(),
                text: printable(&error.to_string()),
            })?;
            let finished = match &event {
                Event::Start(start) => {
                    open.push(Self::begin(start, &mut items)?);
                    if open.len() > XML_DEPTH {
                        return Err(XmlError::TooMuch("32 elements inside each other"));
                    }
                    None
                }
                Event::Empty(start) => Some(Self::begin(start, &mut items)?),
                Event::End(_) => open.pop(),
                Event::Eof => {
                    return Err(match open.last() {
                        Some(element) => XmlError::Syntax {
                            place: reader.buffer_position(),
                            text: printable(&format!("{} does not end", element.name)),
                        },
                        None => XmlError::None(text.chars().take(40).collect()),
                    });
                }
                Event::DocType(_) => return Err(XmlError::DocumentType),
                Event::Text(text) => add_text(&mut open, &text.xml10_content()),
                Event::CData(text) => add_text(&mut open, text),
                Event::GeneralRef(reference) => add_text(&mut open, &referred(reference)),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => None,
            };
            if let Some(element) = finished {
                match open.last_mut() {
                    Some(parent) => parent.children.push(element),
                    None => return Ok(element),
                }
            }
        }
    }

    fn begin(start: &BytesStart<'_>, items: &mut usize) -> Result<Self, XmlError> {
        let mut element = Self { name: start.local_name().as_ref().to_owned(), ..Self::default() };
        for attribute in start.attributes().with_checks(false).flatten() {
            let name = attribute.key.local_name().as_ref().to_owned();
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_or_else(|_| attribute.value.to_string(), std::borrow::Cow::into_owned);
            element.attributes.push((name, value));
        }
        *items += 1 + element.attributes.len();
        if *items > XML_ITEMS {
            Err(XmlError::TooMuch("131072 elements and attributes"))
        } else {
            Ok(element)
        }
    }

    /// Its local name: `Envelope`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text directly inside it, without white space around it.
    #[must_use]
    pub fn text(&self) -> &str {
        self.text.trim()
    }

    /// The value of an attribute by its local name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.trim())
    }

    /// The elements directly inside it.
    #[must_use]
    pub fn children(&self) -> &[Self] {
        &self.children
    }

    /// Those of this name.
    pub fn children_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first element at the end of a path of names.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |element, name| element.children.iter().find(|child| child.name == *name))
    }

    /// The text there, if there is any.
    #[must_use]
    pub fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.at(path).map(Self::text).filter(|text| !text.is_empty())
    }

    /// The number there.
    #[must_use]
    pub fn number_at<T: std::str::FromStr>(&self, path: &[&str]) -> Option<T> {
        self.text_at(path)?.parse().ok()
    }

    /// The first element of this name, however deep.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Self> {
        if self.name == name { Some(self) } else { self.children.iter().find_map(|child| child.find(name)) }
    }
}

/// Adds to the text of the innermost element; finishes none.
fn add_text(open: &mut [Element], text: &str) -> Option<Element> {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
    None
}

/// What `&name;` stands for. A name that XML does not know is an address with a bare `&` before a `;`, or an entity that nobody has
/// declared: it stays as it is.
fn referred(reference: &BytesRef<'_>) -> String {
    match (reference.resolve_char_ref(), quick_xml::escape::resolve_predefined_entity(reference)) {
        (Ok(Some(char)), _) => char.to_string(),
        (_, Some(text)) => text.to_owned(),
        (_, None) => format!("&{};", reference.as_ref()),
    }
}

/// A text as it stands in XML, between tags and in attributes.
#[must_use]
pub fn escape(text: &str) -> String {
    // What XML cannot hold at all (XML 1.0 §2.2) has no escape either.
    let allowed = text.chars().filter(|char| !char.is_control() || matches!(char, '\t' | '\n' | '\r'));
    quick_xml::escape::escape(allowed.collect::<String>()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Element, XmlError> {
        Element::parse(text.as_bytes())
    }

    #[test]
    fn prefixes_and_odd_forms_are_read() {
        let root = parse(
            "\u{feff}<?xml version=\"1.0\"?><!-- c --><a:Root xmlns:a='x'><b:One t:token=\"1 &amp; 2\"> x&#x41;&amp;<![CDATA[<y>]]> </b:One ><Two/></a:Root>",
        )
        .expect("XML");
        assert_eq!((root.name(), root.children().len()), ("Root", 2));
        let one = root.at(&["One"]).expect("an element");
        assert_eq!((one.text(), one.attribute("token")), ("xA&<y>", Some("1 & 2")));
        assert_eq!(root.text_at(&["Two"]), None);
    }

    #[test]
    fn a_bare_ampersand_is_one() {
        let root = parse("<Uri>rtsp://cam/?channel=1&subtype=0&x=1;y &nbsp;</Uri>").expect("XML");
        assert_eq!(root.text(), "rtsp://cam/?channel=1&subtype=0&x=1;y &nbsp;");
    }

    #[test]
    fn what_is_no_xml_is_told() {
        let check = |text: &str, expected: &str| {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        };
        check("", "is no XML; it begins with \"\"");
        check("Not found", "is no XML; it begins with \"Not found\"");
        check("<a><b></b>", "is no XML at byte 10: a does not end");
        check("<a></b>", "is no XML at byte");
        check("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "has a document type");
        check(&"<a>".repeat(33), "has more than 32 elements inside each other");
        check(&format!("<a>{}</a>", "<b/>".repeat(XML_ITEMS)), "has more than 131072");
        check(&" ".repeat(XML_BYTES + 1), "has more than 1 MiB");
    }

    proptest! {
        #[test]
        fn what_is_escaped_is_read_back(text in "[ -~가-힣\\n]{0,40}") {
            let xml = format!("<a b=\"{}\">{0}</a>", escape(&text));
            let root = parse(&xml).expect("XML");
            prop_assert_eq!(root.text(), text.trim());
        }
    }
}
