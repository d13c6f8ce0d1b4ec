//! The log on stderr. `TIEOUT_LOG` chooses what is told, such as `debug` or `tieout::provider=trace`; errors alone by default: progress tells what else matters.

use tracing_subscriber::EnvFilter;

const VARIABLE: &str = "TIEOUT_LOG";

/// Starts logging. What is in the variable and cannot be understood is as good as absent.
pub fn start() {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new("error"));
    // Fails only where a log was started before, as tests in one process do.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).try_init();
}
