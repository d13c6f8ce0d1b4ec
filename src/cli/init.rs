//! `tieout init`: a job file, a key pair, and what is left to do.

mod ask;
mod files;
mod template;

use std::path::{Path, PathBuf};

use clap::Args;
use secrecy::SecretString;
use serde_json::json;

use super::exit::Exit;
use super::printer::{self, Format};
use crate::job::KeySource;
use crate::provider::{key, keypair};
use crate::record::Feed;
use crate::{Error, Result};
use ask::Questions;
use keypair::KeyPair;

const EXAMPLES: &str = "\
Examples:
  tieout init
  tieout init jobs/nightly.toml --yes --last-days 3 --feeds card_transactions
  KEY_PASSPHRASE=… tieout init --passphrase-env KEY_PASSPHRASE

Questions are asked where stdin is a terminal; elsewhere, and with --yes, the
options and their defaults count. An existing key is used, never replaced.";

/// Write a job file and make the key pair that signs its requests, by asking or by options
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The job file to write
    #[arg(default_value = "jobs/nightly.toml")]
    file: PathBuf,
    /// The job's name: [a-z0-9-]+, names the folder of its reports; the file's name without it
    #[arg(long)]
    name: Option<String>,
    /// Where the provider is asked; https://ws-sandbox.anyti.me is its sandbox
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// The zone in which days are counted
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// Days of the window; it ends yesterday
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=366))]
    last_days: Option<u32>,
    /// The feeds, joined by commas; all of them without it
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    feeds: Option<Vec<String>>,
    /// Output directory
    #[arg(long, value_name = "DIR")]
    out: Option<String>,
    /// The private key, relative to the job file; made if it is not there
    #[arg(long, value_name = "FILE", default_value = "keys/id_rsa.pem")]
    key: PathBuf,
    /// Bits of a key that is made
    #[arg(long, value_name = "N", default_value_t = 2048)]
    key_bits: usize,
    /// Encrypt the key with the passphrase in this environment variable
    #[arg(long, value_name = "NAME")]
    passphrase_env: Option<String>,
    /// Ask nothing: options and their defaults
    #[arg(long, short)]
    yes: bool,
    /// Ask, even where stdin is no terminal
    #[arg(long, conflicts_with = "yes")]
    ask: bool,
    /// Write over an existing job file; a key is never written over
    #[arg(long)]
    force: bool,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What a job file is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answers {
    name: String,
    base_url: String,
    timezone: String,
    last_days: u32,
    feeds: Vec<Feed>,
    directory: String,
    key: String,
    passphrase_env: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When there is a job file already, an answer is of no use, or a file cannot be written.
pub fn execute(arguments: &Arguments) -> Result<Exit> {
    if arguments.file.exists() && !arguments.force {
        return Err(Error::usage("there is a job file already")
            .at(arguments.file.display())
            .hint("name another file, or write over it with --force"));
    }
    if !keypair::BITS.contains(&arguments.key_bits) {
        let (from, to) = (keypair::BITS.start(), keypair::BITS.end());
        return Err(Error::usage(format!("expected a key of {from} to {to} bits, found {}", arguments.key_bits)));
    }
    let passphrase = arguments.passphrase_env.as_deref().map(passphrase).transpose()?;
    let answers = Questions::new(arguments.ask, arguments.yes).answers(arguments)?;
    let folder = arguments.file.parent().unwrap_or(Path::new(""));
    let key = folder.join(&arguments.key);
    // Before the key's folder, which nobody else may look into.
    files::make_folder_of(&arguments.file)?;
    let (public_pem, made) = key_pair(&key, arguments.key_bits, passphrase.as_ref())?;
    files::write(&arguments.file, template::job_file(&answers, &arguments.file).as_bytes(), arguments.force)?;
    tell(arguments, &answers, &key, &public_pem, made);
    Ok(Exit::Ties)
}

fn passphrase(variable: &str) -> Result<SecretString> {
    match std::env::var(variable) {
        Ok(text) if !text.is_empty() => Ok(SecretString::from(text)),
        _ => Err(Error::usage(format!("expected a passphrase in the environment variable {variable}, found none"))
            .hint(format!("read -rs {variable}; export {variable}"))),
    }
}

/// The public half of the key at `path`, and whether the pair was made just now.
fn key_pair(path: &Path, bits: usize, passphrase: Option<&SecretString>) -> Result<(String, bool)> {
    if path.exists() {
        let private = key::from(&KeySource::File(path.to_owned()), passphrase)?;
        return Ok((keypair::public_pem(&private)?, false));
    }
    let pair = KeyPair::make(bits, passphrase)?;
    files::write_key(path, &pair)?;
    Ok((pair.public_pem, true))
}

fn tell(arguments: &Arguments, answers: &Answers, key: &Path, public_pem: &str, made: bool) {
    let (job, key) = (arguments.file.display().to_string(), key.display().to_string());
    if arguments.format == Format::Json {
        let told = json!({
            "job_file": job, "private_key": key, "key_made": made, "public_key": public_pem,
            "environment": template::variables(answers),
        });
        printer::result(&serde_json::to_string_pretty(&told).expect("texts are plain data"));
        return;
    }
    let origin = if made { "a new key, readable by you alone" } else { "the key that was there" };
    let exports: Vec<String> =
        template::variables(answers).iter().map(|name| format!("       export {name}=…")).collect();
    printer::result(&format!(
        "{job}  written\n{key}  {origin}\n\n{public_pem}\n\
         What is left to do:\n  \
         1. In the provider's developer zone, register the public key above for your API user (the text with\n     \
         its BEGIN and END lines), and add this machine's public address to the addresses allowed.\n  \
         2. Set the credentials that the provider gave you; the job file names them, it never holds them:\n{}\n  \
         3. tieout check {job}\n     \
         tells step by step what works, and what to do about the rest.\n  \
         4. tieout run {job}\n  \
         5. tieout schedule --print systemd {job} --to units\n     \
         writes what runs it every night; crontab and kubernetes are known too.",
        exports.join("\n")
    ));
}
