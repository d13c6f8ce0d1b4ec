//! Reading XML leaf by leaf.

use std::io::BufRead;

use quick_xml::events::Event;
use quick_xml::{Reader, XmlVersion};

/// Nesting of a file; ours have a fraction of it.
const DEPTH_MAX: usize = 40;

/// What the reader comes by.
#[derive(Debug)]
pub struct Node<'a> {
    /// The names of the elements from the root to this one.
    pub path: &'a [String],
    /// The attributes with their values.
    pub attributes: &'a [(String, String)],
    /// The text directly in it, when it ends.
    pub text: &'a str,
}

impl Node<'_> {
    /// The element's own name.
    pub fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    /// Whether the path ends with these names, written with `/` between them.
    pub fn is(&self, ending: &str) -> bool {
        let mut names = self.path.iter().rev();
        ending.rsplit('/').all(|name| names.next().is_some_and(|found| found == name))
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// Hands over every element of a file, once when it begins (its text is then empty) and once when it ends.
///
/// # Errors
/// When it is not well formed, or either of the two refuses.
pub fn read(
    file: impl BufRead,
    mut begins: impl FnMut(&Node<'_>) -> Result<(), String>,
    mut ends: impl FnMut(&Node<'_>) -> Result<(), String>,
) -> Result<(), String> {
    let mut reader = Reader::from_reader(file);
    reader.config_mut().expand_empty_elements = true;
    let mut path: Vec<String> = Vec::new();
    let mut open: Vec<(Vec<(String, String)>, String)> = Vec::new();
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).map_err(|error| error.to_string())? {
            Event::Start(element) => {
                let attributes = element
                    .attributes()
                    .map(|attribute| {
                        let attribute = attribute.map_err(|error| error.to_string())?;
                        let value =
                            attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
                        Ok((attribute.key.as_ref().to_owned(), value.into_owned()))
                    })
                    .collect::<Result<Vec<_>, String>>()?;
                path.push(element.name().as_ref().to_owned());
                open.push((attributes, String::new()));
                if path.len() > DEPTH_MAX {
                    return Err(format!("expected at most {DEPTH_MAX} elements within each other, found more"));
                }
                begins(&Node { path: &path, attributes: &open[open.len() - 1].0, text: "" })?;
            }
            Event::End(_) => {
                let (attributes, text) = open.pop().ok_or("an element ends that did not begin")?;
                ends(&Node { path: &path, attributes: &attributes, text: &text })?;
                path.pop();
            }
            Event::Text(text) => {
                if let Some((_, into)) = open.last_mut() {
                    into.push_str(&text.xml10_content());
                }
            }
            Event::GeneralRef(reference) => {
                let c = match reference.resolve_char_ref().map_err(|error| error.to_string())? {
                    Some(c) => c,
                    None => match reference.xml10_content().as_ref() {
                        "amp" => '&',
                        "lt" => '<',
                        "gt" => '>',
                        "quot" => '"',
                        "apos" => '\'',
                        other => return Err(format!("expected a known entity, found &{other};")),
                    },
                };
                if let Some((_, into)) = open.last_mut() {
                    into.push(c);
                }
            }
            Event::Eof if path.is_empty() => return Ok(()),
            Event::Eof => return Err(format!("the file ends within {}", path.join("/"))),
            _ => {}
        }
    }
}
