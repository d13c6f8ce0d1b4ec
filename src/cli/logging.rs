//! The log on stderr, as text or as a JSON object a line, each line with the run's id once there is one. `TIEOUT_LOG`
//! chooses what is told, such as `debug` or `tieout::provider=trace`; errors alone by default: progress tells what else
//! matters.

use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use chrono::{SecondsFormat, Utc};
use clap::ValueEnum;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt, LevelFilter, Targets, filter_fn};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::trace;

const VARIABLE: &str = "TIEOUT_LOG";

/// How stderr is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// For a person
    #[default]
    Text,
    /// A JSON object on each line, progress and errors included
    Json,
}

static FORMAT: OnceLock<LogFormat> = OnceLock::new();
/// A process does one run at a time, on many threads: its id belongs to all of them.
static RUN_ID: Mutex<Option<String>> = Mutex::new(None);

/// Starts logging. What is in the variable and cannot be understood is as good as absent.
pub fn start(format: LogFormat) {
    let format = *FORMAT.get_or_init(|| format);
    let chosen = std::env::var(VARIABLE).ok().and_then(|chosen| chosen.parse().ok());
    let filter = chosen.unwrap_or_else(|| Targets::new().with_default(LevelFilter::ERROR));
    // The spans of a trace are for its collector; a log says in each line what it is about.
    let filter = filter.and(filter_fn(|about| about.target() != trace::TARGET).with_max_level_hint(LevelFilter::TRACE));
    let log = tracing_subscriber::fmt::layer().event_format(Lines { format }).with_writer(std::io::stderr);
    let listening = tracing_subscriber::registry().with(log.with_ansi(false).with_filter(filter));
    #[cfg(feature = "otel")]
    let listening = listening.with(super::traces::layer());
    // Fails only where a log was started before, as tests in one process do.
    let _ = listening.try_init();
}

/// How stderr is written.
pub fn format() -> LogFormat {
    FORMAT.get().copied().unwrap_or_default()
}

/// From here on each line carries this run's id.
pub fn speak_of(run_id: &str) {
    *RUN_ID.lock().unwrap_or_else(PoisonError::into_inner) = Some(run_id.to_owned());
}

/// The id of the run that is spoken of.
pub fn run_id() -> Option<String> {
    RUN_ID.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// A line of JSON that says `message`.
pub fn line(level: &str, message: &str, more: &[(&str, Option<&str>)]) -> String {
    let more = more.iter().filter_map(|(name, value)| Some(((*name).to_owned(), Value::from((*value)?))));
    entry(level, "tieout", std::iter::once(("message".to_owned(), Value::from(message))).chain(more).collect())
}

fn entry(level: &str, target: &str, fields: Map<String, Value>) -> String {
    let mut entry = Map::new();
    entry.insert("timestamp".to_owned(), now().into());
    entry.insert("level".to_owned(), level.into());
    entry.insert("run_id".to_owned(), run_id().into());
    entry.insert("target".to_owned(), target.into());
    entry.extend(fields);
    Value::Object(entry).to_string()
}

fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The shape of a line.
struct Lines {
    format: LogFormat,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let (level, target) = (event.metadata().level(), event.metadata().target());
        if self.format == LogFormat::Json {
            let mut fields = Fields(Map::new());
            event.record(&mut fields);
            return writeln!(writer, "{}", entry(level.as_str(), target, fields.0));
        }
        write!(writer, "{} {level:>5} {target}: ", now())?;
        let spans = context.event_scope().into_iter().flat_map(tracing_subscriber::registry::Scope::from_root);
        for span in spans {
            write!(writer, "{}", span.name())?;
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>().filter(|fields| !fields.is_empty()) {
                write!(writer, "{{{fields}}}")?;
            }
            writer.write_str(": ")?;
        }
        context.format_fields(writer.by_ref(), event)?;
        match run_id() {
            Some(run_id) => writeln!(writer, " run_id={run_id}"),
            None => writeln!(writer),
        }
    }
}

/// An event's fields by name.
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}
