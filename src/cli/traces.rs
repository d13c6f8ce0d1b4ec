//! Traces of runs, sent to a collector by OTLP over HTTP; what they hold is [`crate::trace`]'s.
//!
//! The standard's own variables say all there is to say: without `OTEL_EXPORTER_OTLP_ENDPOINT` (or the one for traces alone)
//! nobody is told anything. A collector that does not answer costs a warning and [`WAIT_MAX`], never the run.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry::{Key, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter as Otlp};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, SpanData, SpanExporter};
use tracing::{Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

use super::printer;
use crate::trace;

/// How long the end of a run waits for a collector.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// Spans that may wait to be sent: owners are reconciled faster than a collector answers. The rest is dropped.
const QUEUE_MAX: usize = 32_768;
const QUEUE_VARIABLE: &str = "OTEL_BSP_MAX_QUEUE_SIZE";
const ENDPOINT_VARIABLES: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
/// The more special first.
const PROTOCOL_VARIABLES: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
const PROTOCOL: &str = "http/protobuf";

static COLLECTOR: OnceLock<Collector> = OnceLock::new();

struct Collector {
    provider: SdkTracerProvider,
    missed: Missed,
}

/// Why spans could not be sent, the first time.
type Missed = Arc<Mutex<Option<String>>>;

/// What listens to the spans of runs, and to the warnings within them; `None` where no collector is named.
pub fn layer<S>() -> Option<impl Layer<S>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    if !is_wanted() {
        return None;
    }
    let collector = match understood().and_then(|()| Collector::reach().map_err(|error| error.to_string())) {
        Ok(collector) => COLLECTOR.get_or_init(|| collector),
        Err(why) => {
            printer::warning(&format!("no traces are sent: {}", without_addresses(&why)));
            return None;
        }
    };
    let heard = Targets::new().with_target("tieout", Level::WARN).with_target(trace::TARGET, Level::INFO);
    let layer = tracing_opentelemetry::layer()
        .with_tracer(collector.provider.tracer("tieout"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_error_events_to_status(false);
    Some(layer.with_filter(heard))
}

/// Sends what has not been sent. What cannot be sent is a warning.
pub fn finish() {
    let Some(Collector { provider, missed }) = COLLECTOR.get() else { return };
    let ended = provider.shutdown_with_timeout(WAIT_MAX).map_err(|error| error.to_string());
    let missed = missed.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(why) = missed.or(ended.err()) {
        printer::warning(&format!("the trace was not sent whole: {}", without_addresses(&why)));
    }
}

fn is_wanted() -> bool {
    let says = |name: &str, word: &str| std::env::var(name).is_ok_and(|value| value.trim().eq_ignore_ascii_case(word));
    let is_named = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    ENDPOINT_VARIABLES.iter().any(|name| is_named(name))
        && !says("OTEL_SDK_DISABLED", "true")
        && !says("OTEL_TRACES_EXPORTER", "none")
}

/// Whether the collector is to be spoken to as we can.
fn understood() -> Result<(), String> {
    let said = PROTOCOL_VARIABLES.iter().find_map(|name| Some((name, std::env::var(name).ok()?)));
    match said {
        Some((name, said)) if said != PROTOCOL => Err(format!("expected {name} to be {PROTOCOL}, found {said}")),
        _ => Ok(()),
    }
}

impl Collector {
    fn reach() -> Result<Collector, ExporterBuildError> {
        let missed = Missed::default();
        let exporter = Noting { exporter: Otlp::builder().with_http().build()?, missed: Arc::clone(&missed) };
        let mut config = BatchConfigBuilder::default();
        if std::env::var_os(QUEUE_VARIABLE).is_none() {
            config = config.with_max_queue_size(QUEUE_MAX);
        }
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(config.build()).build();
        let provider = SdkTracerProvider::builder().with_resource(resource()).with_span_processor(processor).build();
        Ok(Collector { provider, missed })
    }
}

/// This program, under the name that the environment gives it.
fn resource() -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let told = Resource::builder().with_attribute(version.clone()).build();
    let is_named =
        told.get(&Key::new("service.name")).is_some_and(|name| !name.to_string().starts_with("unknown_service"));
    if is_named { told } else { Resource::builder().with_attribute(version).with_service_name("tieout").build() }
}

/// Notes the first failure, of which nobody else would hear.
#[derive(Debug)]
struct Noting {
    exporter: Otlp,
    missed: Missed,
}

impl SpanExporter for Noting {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let sent = self.exporter.export(batch).await;
        if let Err(error) = &sent {
            self.missed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.to_string());
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// An address may hold a credential.
fn without_addresses(text: &str) -> String {
    let is_address = |word: &str| word.contains("://");
    text.split(' ').map(|word| if is_address(word) { "[address]" } else { word }).collect::<Vec<_>>().join(" ")
}
