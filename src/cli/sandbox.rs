//! `tieout sandbox`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::exit::Exit;
use super::printer;
use crate::record::Window;
use crate::sandbox::archive::ArchiveWriter;
use crate::sandbox::fault::{Fault, GRAMMAR};
use crate::sandbox::generator::Recipe;
use crate::sandbox::{
    Behaviour, Books, Credentials, DateField, Echo, KeyFiles, Order, PublicKey, RateLimit, RetryAfter, RunningSandbox,
    Sandbox, SandboxConfig, archive, files, sample,
};
use crate::{Error, Result};

const EXAMPLES: &str = "\
Examples:
  tieout sandbox --port 8080
  tieout sandbox --order newest --page-max 20 --fault insert@/transactions#2
  tieout sandbox --data my-books --public-key id_rsa.pub.pem --rate-limit 10
  tieout sandbox --generate 50x4x1000 --seed 7 --latency-ms 80

The base URL is the first line on stdout; what to export, and a [source] for
a job file, follow on stderr.";

/// Serves `sample-data` as the provider, on loopback, with faults on demand
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{GRAMMAR}\n\n{EXAMPLES}"))]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Arguments {
    /// Port on 127.0.0.1; 0 takes any free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Serve the books (or the archive) in this folder instead of the built-in sample
    #[arg(long, value_name = "DIR", conflicts_with = "generate")]
    data: Option<PathBuf>,
    /// Serve made-up books: ACCOUNTSxCARDSxROWS, rows per card, out of --seed
    #[arg(long, value_name = "AxCxR")]
    generate: Option<Size>,
    /// Folder of the key pair, id_rsa.pem and id_rsa.pub.pem; made when it is not there
    #[arg(long, value_name = "DIR", default_value = "sandbox-keys")]
    keys: PathBuf,
    /// The registered public key (PEM); no key pair is made then
    #[arg(long, value_name = "FILE", conflicts_with = "keys")]
    public_key: Option<PathBuf>,
    /// The API user
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// The OAuth2 client id
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// The OAuth2 client secret of the sandbox; guards nothing
    #[arg(long, value_name = "TEXT", env = "TIEOUT_SANDBOX_CLIENT_SECRET", hide_env_values = true)]
    client_secret: Option<String>,
    /// The password of the sandbox; guards nothing
    #[arg(long, value_name = "TEXT", env = "TIEOUT_SANDBOX_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// Order of the rows of a listing
    #[arg(long, value_enum, default_value_t)]
    order: Order,
    /// The most rows of a page, whatever is asked for
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    page_max: u32,
    /// What body.filters tells of the limits that were applied
    #[arg(long, value_enum, default_value_t)]
    echo: Echo,
    /// Leave total_results out
    #[arg(long)]
    no_totals: bool,
    /// credit-transfers ignores limits and sends the whole list each time
    #[arg(long)]
    transfers_ignore_limits: bool,
    /// The day of a card transaction that dates filter by
    #[arg(long, value_enum, default_value_t)]
    date_field: DateField,
    /// Rows of the day of date_end are left out
    #[arg(long)]
    date_end_excluded: bool,
    /// Milliseconds that each answer takes at least
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency_ms: u64,
    /// Requests a second; more are refused with 429
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate_limit: Option<u32>,
    /// What such a 429 tells: absent, N (seconds) or date+N
    #[arg(long, value_name = "HOW", default_value = "absent", requires = "rate_limit")]
    retry_after: RetryAfter,
    /// Seconds until a token expires
    #[arg(long, value_name = "S", default_value_t = 3600)]
    token_seconds: u32,
    /// Decides all that is left to chance
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Something that goes wrong, such as 500@/transactions#3x2; may be repeated (--help tells the language)
    #[arg(long = "fault", value_name = "WHAT@WHERE#WHEN")]
    faults: Vec<String>,
    /// Do not show each request
    #[arg(long, short)]
    quiet: bool,
    /// Write the books as an archive of pages into DIR, for runs without a network, and end
    #[arg(long, value_name = "DIR")]
    write_archive: Option<PathBuf>,
    /// Write the built-in sample as files into DIR/books, and end
    #[arg(long, value_name = "DIR", hide = true)]
    write_sample_data: Option<PathBuf>,
}

/// How many made-up books.
#[derive(Debug, Clone, Copy)]
struct Size {
    accounts: u32,
    cards: u32,
    rows: u32,
}

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Vec<u32> = text.split('x').filter_map(|part| part.parse().ok()).collect();
        match numbers[..] {
            [accounts, cards, rows] if text.split('x').count() == 3 => Ok(Size { accounts, cards, rows }),
            _ => Err(format!("expected ACCOUNTSxCARDSxROWS such as 10x4x500, found '{text}'")),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// When a fault, a key or the books are wrong, or the port is taken.
pub fn execute(arguments: &Arguments) -> Result<Exit> {
    if let Some(folder) = &arguments.write_sample_data {
        sample::write(folder)?;
        return Ok(Exit::Ties);
    }
    if let Some(folder) = &arguments.write_archive {
        return write_archive(arguments, folder);
    }
    let faults = arguments.faults.iter().map(|fault| fault.parse()).collect::<Result<Vec<Fault>>>()?;
    let books = books(arguments)?;
    let counts = books.counts();
    let (public_key, keys) = public_key(arguments)?;
    let config = SandboxConfig {
        books,
        credentials: credentials(arguments, public_key),
        behaviour: behaviour(arguments),
        faults,
        port: arguments.port,
        on_request: (!arguments.quiet)
            .then(|| -> crate::sandbox::OnRequest { Arc::new(|record| printer::note(&record.to_string())) }),
    };
    let credentials = config.credentials.clone();
    let running = Sandbox::start(config)?;
    printer::result(&running.base_url());
    printer::note(&welcome(&running, &credentials, keys.as_ref(), counts));
    wait_for_the_end()?;
    let counters = running.control().counters();
    running.shutdown();
    printer::note(&format!("stopped after {} requests, {} of them refused", counters.requests, counters.refused));
    Ok(Exit::Ties)
}

/// Books that are made up are written account by account: they can be larger than memory.
fn write_archive(arguments: &Arguments, folder: &Path) -> Result<Exit> {
    let known = Credentials::username_or_default(arguments.username.as_deref());
    let mut writer = ArchiveWriter::new(folder, arguments.page_max as usize, known).echoing_limits();
    match arguments.generate {
        Some(size) => {
            let recipe = recipe(arguments, size);
            recipe.spelled_accounts().try_for_each(|account| writer.account(&account))?;
        }
        None => books(arguments)?.accounts.iter().try_for_each(|account| writer.account(account))?,
    }
    writer.finish()?;
    printer::result(&folder.display().to_string());
    Ok(Exit::Ties)
}

fn books(arguments: &Arguments) -> Result<Books> {
    if let Some(folder) = &arguments.data {
        return if archive::is_archive(folder) { archive::read(folder) } else { files::read(folder) };
    }
    let Some(size) = arguments.generate else {
        return Ok(sample::books());
    };
    Ok(recipe(arguments, size).ledger().books())
}

fn recipe(arguments: &Arguments, size: Size) -> Recipe {
    let Window { from, to } = sample::window();
    let window = Window::new(from, to).expect("the sample's window runs upwards");
    Recipe {
        accounts: size.accounts,
        cards_per_account: size.cards,
        rows_per_card: size.rows,
        rows_per_account: size.rows,
        ..Recipe::small(arguments.seed, window)
    }
}

fn public_key(arguments: &Arguments) -> Result<(PublicKey, Option<KeyFiles>)> {
    if let Some(path) = &arguments.public_key {
        return Ok((PublicKey::from_file(path)?, None));
    }
    let keys = KeyFiles::in_folder(&arguments.keys)?;
    Ok((PublicKey::from_file(&keys.public)?, Some(keys)))
}

fn credentials(arguments: &Arguments, public_key: PublicKey) -> Credentials {
    let known = Credentials::new(public_key);
    let given = |text: &Option<String>, known: String| text.clone().unwrap_or(known);
    Credentials {
        username: given(&arguments.username, known.username),
        client_id: given(&arguments.client_id, known.client_id),
        client_secret: given(&arguments.client_secret, known.client_secret),
        password: given(&arguments.password, known.password),
        public_key: known.public_key,
    }
}

fn behaviour(arguments: &Arguments) -> Behaviour {
    let retry_after = arguments.retry_after;
    Behaviour {
        order: arguments.order,
        page_rows_max: arguments.page_max,
        echo: arguments.echo,
        totals: !arguments.no_totals,
        transfers_ignore_limits: arguments.transfers_ignore_limits,
        date_field: arguments.date_field,
        date_end_excluded: arguments.date_end_excluded,
        latency: Duration::from_millis(arguments.latency_ms),
        rate_limit: arguments.rate_limit.map(|per_second| RateLimit { per_second, retry_after }),
        token_lifetime_s: arguments.token_seconds,
        seed: arguments.seed,
    }
}

/// What a user copies: the environment, the `[source]`, and a request by hand as in the provider's guide.
fn welcome(
    running: &RunningSandbox,
    credentials: &Credentials,
    keys: Option<&KeyFiles>,
    (accounts, cards, rows): (usize, usize, usize),
) -> String {
    let url = running.base_url();
    let Credentials { username, client_id, client_secret, password, .. } = credentials;
    let (key, origin) = match keys {
        Some(keys) => {
            let origin = if keys.made { "key pair made: " } else { "key pair used: " };
            // A job file resolves paths from its own folder, the shell from the current one.
            let key = std::path::absolute(&keys.private).unwrap_or_else(|_| keys.private.clone());
            (key.display().to_string(), format!("{origin}{}\n", key.display()))
        }
        None => ("path/to/your/id_rsa.pem".to_owned(), String::new()),
    };
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    // Whoever brings secrets of their own knows them, and may not want them on a screen.
    let known = Credentials::new(credentials.public_key.clone());
    let secret =
        |text: &String, known: &String| if text == known { quoted(text) } else { "'…as given…'".to_owned() };
    format!(
        r#"serving {accounts} accounts, {cards} cards, {rows} rows on loopback; Ctrl-C ends it
{origin}
  export ANYTIME_USERNAME={username} ANYTIME_CLIENT_ID={client_id}
  export ANYTIME_CLIENT_SECRET={client_secret} ANYTIME_PASSWORD={password}

  [source]
  provider = "anytime"
  base_url = "{url}"
  username = {{ env = "ANYTIME_USERNAME" }}
  client_id = {{ env = "ANYTIME_CLIENT_ID" }}
  client_secret = {{ env = "ANYTIME_CLIENT_SECRET" }}
  password = {{ env = "ANYTIME_PASSWORD" }}
  private_key = {{ file = "{key}" }}

By hand, as in the provider's guide:
  DATA=$(date +%s.%N)
  SIGNATURE=$(printf %s "$DATA" | openssl dgst -sha1 -sign {key} | base64 -w0)
  curl {url}/oauth/v2/token -H "X-Validation-Data: $DATA" -H "X-Signed-Request: $SIGNATURE" \
    -d grant_type=password -d client_id={client_id} -d client_secret={client_secret} \
    -d username={username} -d password={password}
"#,
        username = quoted(username),
        client_id = quoted(client_id),
        client_secret = secret(client_secret, &known.client_secret),
        password = secret(password, &known.password),
    )
}

/// Returns on Ctrl-C and on SIGTERM.
fn wait_for_the_end() -> Result<()> {
    let unable = |error: std::io::Error| Error::environment("could not wait for signals").because(error);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(unable)?;
    runtime.block_on(async {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let mut term = signal(SignalKind::terminate()).map_err(unable)?;
            tokio::select! {
                ended = tokio::signal::ctrl_c() => ended.map_err(unable),
                _ = term.recv() => Ok(()),
            }
        }
        #[cfg(not(unix))]
        tokio::signal::ctrl_c().await.map_err(unable)
    })
}
