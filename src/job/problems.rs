//! Problems of a job file: collected, then told at once, each with its place.

use std::ops::Range;
use std::path::Path;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

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
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    /// Notes a problem: `message` says what was expected, `label` what stands at `span`.
    pub(super) fn add(&mut self, span: Range<usize>, message: impl Into<String>, label: impl Into<String>) {
        self.0.push(Problem { span, message: message.into(), label: label.into(), hint: None });
    }

    /// As [`Problems::add`], with the next step.
    pub(super) fn add_with_hint(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.0.push(Problem { span, message: message.into(), label: label.into(), hint: Some(hint.into()) });
    }

    /// Fails with all problems if there are any.
    pub(super) fn check(&mut self, path: &Path, source: &str) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        self.0.sort_by_key(|problem| problem.span.start);
        let count = match self.0.len() {
            1 => "1 problem".to_owned(),
            several => format!("{several} problems"),
        };
        let path_text = path.display().to_string();
        let shown: Vec<String> = self.0.iter().map(|problem| render(problem, &path_text, source)).collect();
        Err(Error::job(format!("the job file has {count}\n\n{}", shown.join("\n\n"))))
    }
}

fn render(problem: &Problem, path: &str, source: &str) -> String {
    let snippet = Snippet::source(source)
        .path(path)
        .annotation(AnnotationKind::Primary.span(clamp(&problem.span, source)).label(problem.label.as_str()));
    let mut group = Group::with_title(Level::ERROR.primary_title(problem.message.as_str())).element(snippet);
    if let Some(hint) = &problem.hint {
        group = group.element(Level::HELP.with_name("hint").message(hint.as_str()));
    }
    Renderer::plain().decor_style(DecorStyle::Ascii).render(&[group])
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
