//! HTML that nothing can be smuggled into: names of elements and attributes are the program's own, and every value is
//! escaped where it is written. There is no way around that, and none may be added.

use std::fmt::{self, Display, Write as _};

use crate::text::Shown;

/// Names and values.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a dyn Display)];

#[derive(Default)]
pub(super) struct Html {
    written: String,
}

impl Html {
    /// An element with what `inside` writes into it.
    pub(super) fn element(
        &mut self,
        name: &'static str,
        attributes: Attributes<'_>,
        inside: impl FnOnce(&mut Self),
    ) {
        self.written.push('<');
        self.written.push_str(name);
        for (name, value) in attributes {
            self.written.push(' ');
            self.written.push_str(name);
            self.written.push_str("=\"");
            self.text(value);
            self.written.push('"');
        }
        self.written.push('>');
        inside(self);
        self.written.push_str("</");
        self.written.push_str(name);
        self.written.push('>');
    }

    /// An element of a class with a text.
    pub(super) fn classed(&mut self, name: &'static str, class: &'static str, text: impl Display) {
        self.element(name, &[("class", &class)], |html| html.text(text));
    }

    /// A text, on one line.
    pub(super) fn text(&mut self, text: impl Display) {
        // Writing to a String does not fail.
        let _ = write!(Escaping(&mut self.written), "{text}");
    }

    /// One of the template's symbols, so many pixels wide; the text beside it says the same.
    pub(super) fn icon(&mut self, symbol: &'static str, size: u32) {
        let attributes: [(&str, &dyn Display); 3] =
            [("width", &size), ("height", &size), ("aria-hidden", &"true")];
        self.element("svg", &attributes, |html| {
            html.element("use", &[("href", &format_args!("#{symbol}"))], |_| {});
        });
    }

    /// What was written elsewhere.
    pub(super) fn append(&mut self, other: Self) {
        self.written.push_str(&other.written);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    pub(super) fn into_string(self) -> String {
        self.written
    }
}

struct Escaping<'a>(&'a mut String);

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        for character in Shown(part).to_string().chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                _ => self.0.push(character),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_values_wherever_they_stand() {
        let mut html = Html::default();
        let hostile = "\"><script>alert('&')</script>\u{202e}\n";
        html.element("a", &[("title", &hostile)], |html| html.text(hostile));
        let escaped = "&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;\\u{202e}\\n";
        assert_eq!(html.into_string(), format!("<a title=\"{escaped}\">{escaped}</a>"));
    }
}
