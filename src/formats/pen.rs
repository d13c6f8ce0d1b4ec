//! Text on its way into a file: what is gathered is passed on now and then, so that no file is in memory as a whole.

use std::io::{self, Write};

/// Bytes gathered before they are passed on.
const GATHERED_BYTES: usize = 64 << 10;

/// Writes a file from its beginning to its end.
pub struct Pen<'w> {
    /// What has not been passed on yet; writers append to it.
    pub text: String,
    file: &'w mut dyn Write,
    failed: Option<io::Error>,
}

impl<'w> Pen<'w> {
    /// Writes into this file.
    pub fn new(file: &'w mut dyn Write) -> Pen<'w> {
        Pen { text: String::with_capacity(GATHERED_BYTES + (GATHERED_BYTES >> 2)), file, failed: None }
    }

    /// Passes on what was gathered, once it is much. Writers call it behind each entry.
    ///
    /// # Errors
    /// When the disk refuses; [`Pen::finish`] tells how.
    pub fn pass_on(&mut self) -> Result<(), String> {
        if self.text.len() < GATHERED_BYTES { Ok(()) } else { self.write() }
    }

    /// Passes on the rest.
    ///
    /// # Errors
    /// When the disk refuses, or has refused before.
    pub fn finish(mut self) -> io::Result<()> {
        let _ = self.write();
        self.failed.map_or(Ok(()), Err)
    }

    fn write(&mut self) -> Result<(), String> {
        if self.failed.is_none() {
            self.failed = self.file.write_all(self.text.as_bytes()).err();
        }
        self.text.clear();
        if self.failed.is_none() { Ok(()) } else { Err("the disk refuses".to_owned()) }
    }
}
