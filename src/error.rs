//! The one error type: who must act, what was expected, what was found, where, and what to do next.

use std::fmt;

/// Who has to act for the run to succeed. It decides the exit code, together with whether anything was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The command line is wrong. Exit code 2.
    Usage,
    /// The job file or what it names (a key, a credential) is wrong; told before any request. Exit code 2.
    Job,
    /// The provider refused, misbehaved or could not be reached. Exit code 1.
    Provider,
    /// The machine is in the way: disk full, no permission, no memory. Exit code 1.
    Environment,
    /// Another run holds the output directory. Exit code 75.
    Locked,
}

/// Why a command could not finish.
///
/// Shown as `message`, then the place, the cause below it and a `hint:` with the next step. Secrets never enter it:
/// what is put in is either our own text or redacted by the caller.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    place: Option<String>,
    hint: Option<String>,
    code: Option<u32>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// `Result` with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind`; `message` says what was expected and what was found.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), place: None, hint: None, code: None, source: None }))
    }

    /// A wrong command line.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// A wrong job file, key or credential.
    pub fn job(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Job, message)
    }

    /// A provider that refused or misbehaved.
    pub fn provider(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Provider, message)
    }

    /// A machine that is in the way.
    pub fn environment(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Environment, message)
    }

    /// Adds to the message, such as how often something was tried.
    pub fn adding(mut self, more: impl fmt::Display) -> Self {
        use fmt::Write;
        write!(self.0.message, "{more}").expect("a text takes any text");
        self
    }

    /// Says where: a file, an owner and page, a JSON pointer.
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.0.place = Some(place.to_string());
        self
    }

    /// Says the next step. The text stands behind `hint:`.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Keeps the provider's own code, which `tieout explain` knows.
    pub fn coded(mut self, code: Option<u32>) -> Self {
        self.0.code = code;
        self
    }

    /// Keeps the error below this one.
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Who must act.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message alone, without place, cause and hint.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The next step, if one is known.
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The provider's own code, if it refused with one.
    pub fn code(&self) -> Option<u32> {
        self.0.code
    }

    /// As [`one_line`](Self::one_line), with the hint behind it: for a place that has no other for it.
    pub fn one_line_with_hint(&self) -> String {
        match self.hint_text() {
            Some(hint) => format!("{}; hint: {hint}", self.one_line()),
            None => self.one_line(),
        }
    }

    /// Message, place and causes on one line, without the hint: for a cell of a report.
    pub fn one_line(&self) -> String {
        let mut line = self.0.message.clone();
        if let Some(place) = &self.0.place {
            line.push_str(" (");
            line.push_str(place);
            line.push(')');
        }
        let mut cause = std::error::Error::source(self);
        while let Some(below) = cause {
            line.push_str(": ");
            line.push_str(&below.to_string());
            cause = below.source();
        }
        line.replace('\n', " ")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(place) = &self.0.place {
            write!(f, "\n  at {place}")?;
        }
        let mut cause = std::error::Error::source(self);
        while let Some(below) = cause {
            write!(f, "\n  because {below}")?;
            cause = below.source();
        }
        if let Some(hint) = &self.0.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|s| s as &(dyn std::error::Error + 'static))
    }
}
