//! Where a warehouse is and who asks: `postgresql://…` as libpq spells it, or `sqlite:FILE`.

use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::{Error, Result};

const CONNECT_MAX: Duration = Duration::from_secs(10);
/// The schema that PostgreSQL has from the beginning.
const SCHEMA_DEFAULT: &str = "public";
/// PostgreSQL cuts longer names off.
const NAME_BYTES_MAX: usize = 63;
const PORT: u16 = 5432;

/// Where to load to.
#[derive(Debug)]
pub enum Target {
    /// A server.
    PostgreSql(Box<Address>),
    /// A file, made if it is missing.
    Sqlite(PathBuf),
}

/// A PostgreSQL server, who asks it, and the schema of the tables. `Debug` of the configuration leaves the password out.
#[derive(Debug)]
pub struct Address {
    pub(super) config: Config,
    pub(super) schema: String,
    pub(super) root: Option<PathBuf>,
    /// Whether the password stood in the address.
    pub has_password: bool,
}

/// Reads where to load to.
///
/// # Errors
/// When it is neither a PostgreSQL address nor a file. The address is not shown: it may hold a password.
pub fn target(to: &str, schema: Option<&str>) -> Result<Target> {
    if let Some(path) = to.strip_prefix("sqlite:") {
        if path.is_empty() {
            return Err(
                Error::usage("expected a file behind 'sqlite:', found none").hint("for example sqlite:books.db")
            );
        }
        if schema.is_some() {
            return Err(Error::usage("SQLite has no schemas").hint("leave --schema out, or name another file"));
        }
        return Ok(Target::Sqlite(PathBuf::from(path)));
    }
    if !to.starts_with("postgresql://") && !to.starts_with("postgres://") {
        return Err(Error::usage("expected an address that begins with postgresql:// or sqlite:")
            .hint("for example --to postgresql://loader@db.example.com/books or --to sqlite:books.db"));
    }
    let schema = schema.unwrap_or(SCHEMA_DEFAULT);
    if schema.is_empty() || schema.len() > NAME_BYTES_MAX || schema.contains('\0') {
        return Err(Error::usage(format!("expected a schema's name of 1 to {NAME_BYTES_MAX} bytes")));
    }
    postgresql(to, schema).map(|address| Target::PostgreSql(Box::new(address)))
}

fn postgresql(to: &str, schema: &str) -> Result<Address> {
    let (known, ssl) = split_ssl(to)?;
    let mut config: Config = known.parse().map_err(|error: tokio_postgres::Error| {
        Error::usage("the address of the database cannot be read").because(error)
    })?;
    let is_near = config.get_hosts().iter().all(is_near);
    match ssl.mode {
        Some(mode) => config.ssl_mode(mode),
        // Rows of accounts do not travel in clear unless somebody says so.
        None if is_near => config.ssl_mode(SslMode::Disable),
        None => config.ssl_mode(SslMode::Require),
    };
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_MAX);
    }
    if config.get_user().is_none()
        && let Ok(user) = std::env::var("PGUSER")
    {
        config.user(user);
    }
    if config.get_application_name().is_none() {
        config.application_name("tieout");
    }
    let has_password = config.get_password().is_some();
    if let (false, Some(password)) = (has_password, password(&config)?) {
        config.password(password);
    }
    Ok(Address { config, schema: schema.to_owned(), root: ssl.root, has_password })
}

/// libpq's words for TLS that the client library does not know.
#[derive(Default)]
struct Ssl {
    mode: Option<SslMode>,
    root: Option<PathBuf>,
}

fn split_ssl(to: &str) -> Result<(String, Ssl)> {
    let (address, query) = to.split_once('?').unwrap_or((to, ""));
    let (mut ssl, mut others) = (Ssl::default(), Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
        match key {
            "sslmode" => {
                ssl.mode = Some(match value.as_str() {
                    "disable" => SslMode::Disable,
                    "prefer" | "allow" => SslMode::Prefer,
                    "require" | "verify-ca" | "verify-full" => SslMode::Require,
                    _ => return Err(Error::usage("expected sslmode=disable, prefer, require or verify-full")),
                });
            }
            "sslrootcert" => ssl.root = (value != "system").then(|| PathBuf::from(value)),
            _ => others.push(pair),
        }
    }
    let known = if others.is_empty() { address.to_owned() } else { format!("{address}?{}", others.join("&")) };
    Ok((known, ssl))
}

fn is_near(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
    }
}

/// `PGPASSWORD`, else the line of the password file.
fn password(config: &Config) -> Result<Option<String>> {
    if let Ok(password) = std::env::var("PGPASSWORD") {
        return Ok(Some(password));
    }
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".pgpass"));
    let Some(path) = std::env::var_os("PGPASSFILE").map(PathBuf::from).or_else(home) else {
        return Ok(None);
    };
    let Ok(text) = std::fs::read_to_string(&path) else {
        return Ok(None);
    };
    let mode = std::fs::metadata(&path).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 {
        return Err(Error::usage("others may read the password file")
            .at(path.display())
            .hint(format!("chmod 600 {}", path.display())));
    }
    Ok(text.lines().find_map(|line| password_in(line, config)))
}

/// The password of a line `host:port:database:user:password`, if it is meant. `*` is any; `\` keeps a `:` or `\`.
fn password_in(line: &str, config: &Config) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let fields = split_fields(line)?;
    let [host, port, database, user, password] = fields;
    let wanted_host = match config.get_hosts().first()? {
        Host::Tcp(name) => name.clone(),
        Host::Unix(_) => "localhost".to_owned(),
    };
    let wanted_port = config.get_ports().first().copied().unwrap_or(PORT).to_string();
    let wanted_user = config.get_user().unwrap_or_default();
    let wanted_database = config.get_dbname().unwrap_or(wanted_user);
    let pairs =
        [(host, wanted_host.as_str()), (port, wanted_port.as_str()), (database, wanted_database), (user, wanted_user)];
    pairs.iter().all(|(field, wanted)| field == "*" || field == wanted).then_some(password)
}

fn split_fields(line: &str) -> Option<[String; 5]> {
    let mut fields: Vec<String> = vec![String::new()];
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        if letter == ':' && fields.len() < 5 {
            fields.push(String::new());
            continue;
        }
        let kept = if letter == '\\' { letters.next() } else { Some(letter) };
        fields.last_mut().expect("it begins with one").extend(kept);
    }
    fields.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(to: &str) -> Address {
        postgresql(to, "public").expect("an address")
    }

    #[test]
    fn rows_travel_in_clear_only_at_home_or_when_told() {
        for (to, mode) in [
            ("postgresql://a:x@db.example.com/books", SslMode::Require),
            ("postgresql://a:x@db.example.com/books?sslmode=verify-full", SslMode::Require),
            ("postgresql://a:x@db.example.com/books?sslmode=disable", SslMode::Disable),
            ("postgresql://a:x@127.0.0.1:5433/books", SslMode::Disable),
            ("postgresql://a:x@localhost/books?connect_timeout=3", SslMode::Disable),
            ("postgresql://a:x@localhost/books?sslmode=require", SslMode::Require),
            ("postgresql://a:x@/books?host=%2Frun%2Fpostgresql", SslMode::Disable),
        ] {
            assert_eq!(address(to).config.get_ssl_mode(), mode, "{to}");
        }
        let root = address("postgresql://a:x@db/books?sslrootcert=%2Fetc%2Fca.pem&sslmode=require").root;
        assert_eq!(root.as_deref(), Some(Path::new("/etc/ca.pem")));
    }

    #[test]
    fn errors_do_not_show_the_password() {
        for to in [
            "mysql://me:canary@db/books",
            "postgresql://me:canary@db:port/books",
            "postgresql://me:canary@db/b?sslmode=x",
        ] {
            let error = target(to, None).expect_err("no address");
            assert!(!format!("{error}{error:?}").contains("canary"), "{error}");
        }
        let address = address("postgresql://me:canary@db/books");
        assert!(address.has_password && !format!("{address:?}").contains("canary"));
    }

    #[test]
    fn the_password_file_is_read_as_libpq_reads_it() {
        let config = address("postgresql://ada:x@db.example.com:5433/books").config;
        for (line, password) in [
            ("db.example.com:5433:books:ada:secret", Some("secret")),
            ("*:*:*:*:se\\:cr\\\\et:s", Some("se:cr\\et:s")),
            ("# *:*:*:*:secret", None),
            ("other:*:*:*:secret", None),
            ("*:5432:*:*:secret", None),
            ("*:*:*:secret", None),
        ] {
            assert_eq!(password_in(line, &config).as_deref(), password, "{line}");
        }
    }
}
