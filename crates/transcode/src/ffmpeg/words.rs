//! A line of text to arguments: what a template or a command in the configuration says, without a shell.

/// Cuts `text` at its white space. A word that begins with a quote, single or double, goes on to the next one of its kind that
/// ends a word; quotes within words, and backslashes, are left as they are, for filters of ffmpeg have many of both.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let quoted = matches!(first, '"' | '\'').then(|| end_of_quote(&rest[1..], first)).flatten();
        let (word, after) = match quoted {
            Some(end) => (&rest[1..=end], &rest[end + 2..]),
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}

/// Where the quote ends: at one with white space, or nothing, behind it.
fn end_of_quote(text: &str, quote: char) -> Option<usize> {
    text.match_indices(quote).map(|(at, _)| at).find(|at| {
        let after = text[at + 1..].chars().next();
        after.is_none_or(char::is_whitespace)
    })
}

#[cfg(test)]
mod tests {
    use super::words;
    use proptest::prelude::*;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(words(text), expected, "{text}");
    }

    #[test]
    fn quotes_hold_words_together() {
        check("", &[]);
        check("  -c:v  libx264\t-an ", &["-c:v", "libx264", "-an"]);
        check("sh -c 'echo \"a b\"' x", &["sh", "-c", "echo \"a b\"", "x"]);
        check("\"/opt/my camera/bin\" --name ''", &["/opt/my camera/bin", "--name", ""]);
        check("-vf drawtext=text='a\\:b':x=1", &["-vf", "drawtext=text='a\\:b':x=1"]);
        check("'it's here' 'no end", &["it's here", "'no", "end"]);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[ab'\" \\\\\u{e9}]{0,30}") {
            let _ = words(&text);
        }

        #[test]
        fn words_without_white_space_and_quotes_come_back(list in prop::collection::vec("[a-z:=\\\\]{1,5}", 0..8)) {
            prop_assert_eq!(words(&list.join(" ")), list);
        }
    }
}
