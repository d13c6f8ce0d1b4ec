//! Problems of a job file: collected, then told at once, each with its place.

use std::ops::Range;
use std::path::Path;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::hidden;
use crate::{Error, Result};

/// One thing that is wrong in a job file.
#[derive(Debug)]
struct Problem {
    span: Range<usize>,
    message: String,
    label: String,
    hint: Option<String>,
}

/// The problems found so far.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<Problem>,
    /// Places that are not shown, whatever stands around them is told about.
    secret: Vec<Range<usize>>,
}

impl Problems {
    /// Notes a problem: `message` says what was expected, `label` what stands at `span`.
    pub(super) fn add(&mut self, span: Range<usize>, message: impl Into<String>, label: impl Into<String>) {
        self.found.push(Problem { span, message: message.into(), label: label.into(), hint: None });
    }

    /// As [`Problems::add`], with the next step.
    pub(super) fn add_with_hint(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.found.push(Problem { span, message: message.into(), label: label.into(), hint: Some(hint.into()) });
    }

    /// Never shows what stands at `span`.
    pub(super) fn hide(&mut self, span: Range<usize>) {
        self.secret.push(span);
    }

    /// Fails with all problems if there are any.
    pub(super) fn check(&mut self, path: &Path, source: &str) -> Result<()> {
        if self.found.is_empty() {
            return Ok(());
        }
        self.found.sort_by_key(|problem| problem.span.start);
        let source = &hidden::without_secrets(source, &self.secret);
        let count = match self.found.len() {
            1 => "1 problem".to_owned(),
            several => format!("{several} problems"),
        };
        let path_text = path.display().to_string();
        let shown: Vec<String> = self.found.iter().map(|problem| render(problem, &path_text, source)).collect();
        Err(Error::job(format!("the job file has {count}\n\n{}", shown.join("\n\n"))))
    }
}

fn render(problem: &Problem, path: &str, source: &str) -> String {
    let snippet = Snippet::source(source)
        .path(path)
        .annotation(AnnotationKind::Primary.span(clamp(&problem.span, source)).label(problem.label.as_str()));
    let message = hidden::without_credentials(&problem.message);
    let mut group = Group::with_title(Level::ERROR.primary_title(message.as_str())).element(snippet);
    if let Some(hint) = &problem.hint {
        group = group.element(Level::HELP.with_name("hint").message(hint.as_str()));
    }
    let shown = Renderer::plain().decor_style(DecorStyle::Ascii).render(&[group]);
    // Blanks stand for what is hidden behind a value.
    shown.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn clamp(span: &Range<usize>, source: &str) -> Range<usize> {
    let end = span.end.min(source.len());
    span.start.min(end)..end
}

/// The known name that `found` was probably meant to be.
pub(super) fn nearest<'k>(found: &str, known: &[&'k str]) -> Option<&'k str> {
    known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(found, name), *name))
        .min()
        .filter(|(distance, name)| *distance <= name.len().max(found.len()) / 2)
        .map(|(_, name)| name)
}
