//! A PostgreSQL server of the test's own: made anew, on a loopback port, gone when the tests are.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

pub const PASSWORD: &str = "canary-password";

/// Runs until its input ends: with the tests, however they end. It must not run as root.
const SCRIPT: &str = r#"
set -eu
dir=$(mktemp -d /tmp/tieout-postgresql-XXXXXX)
cd "$dir"
for bin in /usr/lib/postgresql/*/bin; do PATH="$bin:$PATH"; done
echo "$PASSWORD" > password
initdb -D data -U postgres -E UTF8 --locale=C.UTF-8 --auth=scram-sha-256 --pwfile=password --no-sync > log 2>&1 || { cat log >&2; exit 1; }
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=tieout-ca -keyout ca.key -out ca.pem 2>> log
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout data/server.key -out server.csr 2>> log
printf 'subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n' > server.ext
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext -out data/server.crt 2>> log
chmod 600 data/server.key
cat >> data/postgresql.conf <<CONF
listen_addresses = '127.0.0.1'
port = $PORT
unix_socket_directories = '$dir'
fsync = off
ssl = on
shared_buffers = 16MB
CONF
postgres -D data >> log 2>&1 &
server=$!
trap 'kill -QUIT $server 2>/dev/null; wait; cd /; rm -rf "$dir"' EXIT
tries=0
until pg_isready -q -h 127.0.0.1 -p "$PORT"; do
  tries=$((tries + 1))
  [ "$tries" -lt 600 ] || { cat log >&2; exit 1; }
  sleep 0.05
done
chmod 755 "$dir"
echo "$dir"
cat > /dev/null
"#;

/// A running server.
pub struct Server {
    pub port: u16,
    /// Where `ca.pem` and the socket lie.
    pub folder: String,
    _process: Child,
    _input: ChildStdin,
}

/// The server of this process.
pub fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(start)
}

fn start() -> Server {
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port();
    // PostgreSQL refuses to run as root.
    let is_root = std::fs::metadata("/proc/self").expect("Linux").uid() == 0;
    let mut command = if is_root {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "sh", "-c", SCRIPT]);
        command
    } else {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT]);
        command
    };
    let mut process = command
        .env("PORT", port.to_string())
        .env("PASSWORD", PASSWORD)
        .env("TMPDIR", "/tmp")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell; tests/all installs PostgreSQL");
    let mut folder = String::new();
    BufReader::new(process.stdout.take().expect("piped")).read_line(&mut folder).expect("a line");
    assert!(!folder.is_empty(), "PostgreSQL did not start: tests/all installs it");
    let input = process.stdin.take().expect("piped");
    Server { port, folder: folder.trim().to_owned(), _process: process, _input: input }
}

impl Server {
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// What psql prints: cells separated by `|`.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        let output = self.psql_command(database).args(["-c", sql]).output().expect("psql runs");
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8").trim_end_matches('\n').to_owned()
    }

    pub fn psql_command(&self, database: &str) -> Command {
        let mut command = Command::new("psql");
        command.args(["-XAtq", "-v", "ON_ERROR_STOP=1", &self.url(database)]).env("PGPASSWORD", PASSWORD);
        command
    }
}
