//! The job file as it is written.

use std::path::Path;

use super::Answers;
use crate::record::Feed;

/// The environment variables that a job file names.
pub(super) fn variables(answers: &Answers) -> Vec<String> {
    let always = ["ANYTIME_USERNAME", "ANYTIME_CLIENT_ID", "ANYTIME_CLIENT_SECRET", "ANYTIME_PASSWORD"];
    always.iter().map(|name| (*name).to_owned()).chain(answers.passphrase_env.clone()).collect()
}

/// The job file.
pub(super) fn job_file(answers: &Answers, path: &Path) -> String {
    let Answers { name, base_url, timezone, last_days, directory, key, .. } = answers;
    let (directory, key, job) = (text(directory), text(key), path.display());
    let names: Vec<String> = answers.feeds.iter().map(|feed| format!("\"{}\"", feed.name())).collect();
    let note = if answers.feeds.len() == Feed::ALL.len() { "   # all that there are" } else { "" };
    let passphrase = match &answers.passphrase_env {
        Some(variable) => format!("private_key_passphrase = {{ env = {} }}", text(variable)),
        None => "# private_key_passphrase = { env = \"ANYTIME_KEY_PASSPHRASE\" }".to_owned(),
    };
    format!(
        r#"# Written by `tieout init`. `tieout schema job` prints the schema of this file; every key that it knows may stand here.
#
#   tieout check {job}      # what works, step by step; nothing is changed
#   tieout run {job}

[job]
name = "{name}"                          # names the report folder: {name}/<from>_<to>/
timezone = "{timezone}"                  # days are counted in this zone; the provider prints its dates in Europe/Paris
window = {{ last_days = {last_days} }}                # the days that end yesterday; or {{ from = "2026-01-01", to = "2026-01-31" }}
feeds = [{feeds}]{note}

[source]
provider = "anytime"
base_url = "{base_url}"
# Values are plain texts, {{ env = "NAME" }} or {{ file = "path" }}; secrets only come from env or file.
username = {{ env = "ANYTIME_USERNAME" }}
client_id = {{ env = "ANYTIME_CLIENT_ID" }}
client_secret = {{ env = "ANYTIME_CLIENT_SECRET" }}
password = {{ env = "ANYTIME_PASSWORD" }}
private_key = {{ file = {key} }}   # relative to this file; readable by its owner alone
{passphrase}
page_size = 100                  # asked for as limit_number; what the server echoes wins
requests_per_second = 10         # over the whole run
concurrency = 8                  # requests in flight
# ca_certificate = "ca.pem"      # a further root certificate
# fx_fee = "auto"                # learnt from the balances; "included" in amount, or "extra": charged on top

[output]
directory = {directory}                # relative to the current directory
formats = ["csv", "parquet"]     # for accounting programs also: "camt053", "ofx", "mt940", "hledger", "xlsx"

# [limits]
# raw_keep_days = 400            # days for which raw/ keeps what landed; without it, for ever

# [report]
# locale = "fr-FR"               # how reconciliation.html writes amounts; en-GB by default

# Nothing runs by itself: `tieout schedule --print systemd {job}` writes the units that do it.
[schedule]
cron = "30 2 * * *"              # minute, hour, day of the month, month, weekday, in the job's zone

# [notify]                       # who is told how a run ended; see README, "For the operator"
# healthcheck = {{ env = "TIEOUT_HEALTHCHECK" }}   # pinged at <url>/start, <url> when all ties, <url>/<exit code> else
# webhook = {{ env = "TIEOUT_WEBHOOK" }}           # gets summary.json by POST
"#,
        feeds = names.join(", "),
    )
}

/// A text as TOML.
fn text(plain: &str) -> String {
    toml::Value::String(plain.to_owned()).to_string()
}
