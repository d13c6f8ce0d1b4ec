//! MT940 read back.

use std::io::BufRead;

use crate::formats::control::{Frame, Listener, ToldEntry};
use crate::record::Money;

const LINE_BYTES_MAX: usize = 70;

pub(super) fn read(file: &mut dyn BufRead, listener: &mut dyn Listener) -> Result<(), String> {
    let mut reader = Reader { listener, frame: None, entry: None };
    let mut field: Option<(String, Vec<String>)> = None;
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        if file.read_until(b'\n', &mut bytes).map_err(|error| error.to_string())? == 0 {
            break;
        }
        let line = std::str::from_utf8(&bytes).map_err(|error| error.to_string())?;
        let line = line.strip_suffix("\r\n").ok_or_else(|| format!("expected a whole line, found {line}"))?;
        if line.len() > LINE_BYTES_MAX {
            return Err(format!("a line has {} characters", line.len()));
        }
        match line.strip_prefix(':') {
            _ if line == "-" => {}
            Some(rest) => {
                let (tag, value) = rest.split_once(':').ok_or_else(|| format!("expected a field, found {line}"))?;
                if let Some((tag, value)) = field.replace((tag.to_owned(), vec![value.to_owned()])) {
                    reader.take(&tag, &value)?;
                }
            }
            None => field.as_mut().ok_or("a line before the first field")?.1.push(line.to_owned()),
        }
    }
    if let Some((tag, value)) = field {
        reader.take(&tag, &value)?;
    }
    reader.end()
}

/// What was read of the message at hand.
struct Reader<'l> {
    listener: &'l mut dyn Listener,
    frame: Option<Frame>,
    /// An entry, until it is known that no text follows.
    entry: Option<ToldEntry>,
}

impl Reader<'_> {
    fn take(&mut self, tag: &str, value: &[String]) -> Result<(), String> {
        if tag == "20" {
            self.end()?;
            self.frame = Some(Frame::default());
            return self.listener.begins();
        }
        let frame = self.frame.as_mut().ok_or("a message begins with :20:")?;
        match tag {
            "60F" => (frame.opening, frame.currency) = balance(&value[0])?,
            "62F" => {
                let (closing, currency) = balance(&value[0])?;
                if currency != frame.currency {
                    return Err(format!("expected a closing balance in {}, found {currency}", frame.currency));
                }
                frame.closing = closing;
            }
            "61" => {
                let before = self.entry.replace(entry(&value[0])?);
                before.map_or(Ok(()), |before| self.listener.entry(before))?;
            }
            // That behind the closing balance is the message's own.
            "86" if frame.closing.is_none() => {
                let entry = self.entry.as_mut().ok_or("a text without an entry")?;
                entry.text = value.iter().take_while(|line| !line.starts_with("/BREAK/")).map(String::as_str).collect();
            }
            "25" | "28C" | "86" => {}
            other => return Err(format!("expected a field of MT940, found :{other}:")),
        }
        Ok(())
    }

    /// The message is over, if one began.
    fn end(&mut self) -> Result<(), String> {
        self.entry.take().map_or(Ok(()), |entry| self.listener.entry(entry))?;
        self.frame.take().map_or(Ok(()), |frame| self.listener.ends(frame))
    }
}

fn balance(text: &str) -> Result<(Option<Money>, String), String> {
    let parts = text.get(..1).zip(text.get(7..10)).zip(text.get(10..));
    let ((mark, currency), digits) = parts.ok_or_else(|| format!("expected a balance, found {text}"))?;
    Ok((Some(signed(mark, digits)?), currency.to_owned()))
}

fn entry(text: &str) -> Result<ToldEntry, String> {
    let wrong = || format!("expected an entry, found {text}");
    let (date, entry_date) = text.get(..6).zip(text.get(6..10)).ok_or_else(wrong)?;
    if &date[2..] != entry_date {
        return Err(wrong());
    }
    let (mark, rest) = text.get(10..11).zip(text.get(11..)).ok_or_else(wrong)?;
    let end = rest.find('N').ok_or_else(wrong)?;
    let (_, id) = rest.split_once("//").ok_or_else(wrong)?;
    let century = if &date[..2] >= "70" { "19" } else { "20" };
    Ok(ToldEntry {
        id: id.to_owned(),
        day: format!("{century}{}-{}-{}", &date[..2], &date[2..4], &date[4..6]),
        amount: signed(mark, &rest[..end])?,
        pending: false,
        balance_after: None,
        text: String::new(),
    })
}

fn signed(mark: &str, digits: &str) -> Result<Money, String> {
    let amount = Money::parse(&digits.replace(',', ".")).map_err(|error| format!("{digits}: {error}"))?;
    match mark {
        "C" => Ok(amount),
        "D" => Ok(-amount),
        other => Err(format!("expected C or D, found {other}")),
    }
}
