//! What README and docs tell can be done as they tell it: commands run to the letter, links lead somewhere, options exist.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tieout::sandbox::{PublicKey, Sandbox, SandboxConfig};

use crate::support::Place;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const KEY_PEM: &str = include_str!("../fixtures/keys/id_rsa.pem");

/// What stands for programs that a test must not let loose on the machine. `$ROOT` is the place's own.
const STAND_INS: [(&str, &str); 3] = [
    // What cargo would build is built.
    (
        "cargo",
        r#"case "$*" in
"run --release -- "*) shift 3; exec tieout "$@" ;;
"install --locked --path .") ;;
*) echo "unexpected: cargo $*" >&2; exit 97 ;;
esac"#,
    ),
    (
        "sudo",
        r#"case "$1" in
install) shift; target=${!#}; mkdir -p "$ROOT$target"; exec install "${@:1:$#-1}" "$ROOT$target" ;;
systemctl) exec "$@" ;;
*) echo "unexpected: sudo $*" >&2; exit 97 ;;
esac"#,
    ),
    (
        "systemctl",
        r#"[ "$1 $2" = "enable --now" ] && [ -f "$ROOT/etc/systemd/system/$3" ] || { echo "unexpected: systemctl $*" >&2; exit 97; }"#,
    ),
];

fn readme() -> String {
    fs::read_to_string(format!("{ROOT}/README.md")).expect("README.md")
}

/// The text below a heading, up to the next of its level.
fn section<'t>(text: &'t str, heading: &str) -> &'t str {
    let begin = text.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("{heading} is in README.md")) + 1;
    let level = format!("\n{} ", heading.split(' ').next().expect("a level"));
    let rest = &text[begin..];
    &rest[..rest[1..].find(&level).map_or(rest.len(), |end| end + 1)]
}

/// The commands of a section, block by block.
fn commands(section: &str) -> Vec<Vec<String>> {
    let blocks = section.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap_or_default());
    blocks.map(|block| block.lines().map(str::to_owned).collect()).collect()
}

/// A clone of the examples, with the provider on loopback.
struct Clone {
    place: Place,
    _sandbox: tieout::sandbox::RunningSandbox,
    provider: String,
}

impl Clone {
    fn new() -> Clone {
        let sandbox =
            Sandbox::start(SandboxConfig::new(PublicKey::from_pem(KEY_PEM).expect("a key"))).expect("a sandbox");
        let place = Place::new();
        for name in ["bin", "root", "home", "clone/tests"] {
            fs::create_dir_all(place.path(name)).expect("a folder");
        }
        copy(&Path::new(ROOT).join("jobs"), &place.path("clone/jobs"));
        symlink(env!("CARGO_BIN_EXE_tieout"), place.path("bin/tieout")).expect("a link");
        for (name, script) in STAND_INS {
            script_at(&place.path("bin").join(name), script);
        }
        // All tests are what runs here.
        script_at(&place.path("clone/tests/all"), "exit 0");
        let provider = sandbox.base_url();
        Clone { place, _sandbox: sandbox, provider }
    }

    /// A key that the sandbox knows, where `tieout init` and the examples look for it: a key that is there is used.
    fn give_key(&self, folder: &str) {
        let key = self.place.write(&format!("{folder}/jobs/keys/id_rsa.pem"), KEY_PEM);
        for (path, mode) in [(key.as_path(), 0o600), (key.parent().expect("a folder"), 0o700)] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode");
        }
    }

    /// Runs a block in the clone, line by line in one shell: each line with its exit code, and all that they told.
    fn run(&self, lines: &[String]) -> (Vec<(String, i32)>, String) {
        let codes = self.place.path("codes");
        // The provider that a job names is the one at hand.
        let to_provider = format!("sed -i 's#https://ws.anyti.me#{}#' jobs/*.toml 2>/dev/null", self.provider);
        let mut script = format!("set -u\n{to_provider}\n");
        for line in lines.iter().filter(|line| !line.trim().is_empty()) {
            writeln!(script, "{line}\necho $? >> '{}'\n{to_provider}", codes.display()).expect("a text takes any text");
        }
        let _ = fs::remove_file(&codes);
        let output = Command::new("bash")
            .args(["-c", &script])
            .current_dir(self.place.path("clone"))
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", self.place.path("bin").display()))
            .env("HOME", self.place.path("home"))
            .env("LANG", "C.UTF-8")
            .env("ROOT", self.place.path("root"))
            .envs([("ANYTIME_USERNAME", "sandbox-user"), ("ANYTIME_CLIENT_ID", "sandbox-client")])
            .envs([("ANYTIME_CLIENT_SECRET", "sandbox-client-secret"), ("ANYTIME_PASSWORD", "sandbox-password")])
            .stdin(Stdio::null())
            .output()
            .expect("bash runs");
        let told = fs::read_to_string(&codes).unwrap_or_default();
        let codes = told.lines().map(|code| code.parse().expect("a code"));
        let ended = lines.iter().filter(|line| !line.trim().is_empty()).cloned().zip(codes).collect();
        (ended, [output.stdout, output.stderr].map(|told| String::from_utf8_lossy(&told).into_owned()).concat())
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten().filter(|entry| entry.path().is_file()) {
        fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}

fn script_at(path: &Path, script: &str) {
    fs::write(path, format!("#!/bin/bash\n{script}\n")).expect("a script");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its mode");
}

/// The demo's books hold breaks; everything else that is told to be done succeeds.
fn expected(line: &str) -> i32 {
    if line.contains("-- demo")
        || line.contains("backfill.toml")
        || line.contains("accounting.toml")
        || line.contains("ANY2107926427.journal")
    {
        3
    } else {
        0
    }
}

fn all_do_as_told(clone: &Clone, lines: &[String]) {
    let (ended, told) = clone.run(lines);
    assert_eq!(ended.len(), lines.len(), "the shell ended early: {told}");
    for (line, code) in &ended {
        // hledger's own code for a journal that does not balance is 1.
        let expected = if line.starts_with("hledger") { expected(line).min(1) } else { expected(line) };
        assert_eq!(*code, expected, "{line}\n{told}");
    }
}

#[test]
fn the_first_commands_do_what_they_tell() {
    let blocks = commands(section(&readme(), "## Two commands"));
    let [first, own] = &blocks[..] else { panic!("{blocks:?}") };
    let clone = Clone::new();
    all_do_as_told(&clone, first);
    assert!(clone.place.path("clone/out/reports/demo").exists());
    clone.give_key("home/books");
    all_do_as_told(&clone, own);
    assert!(clone.place.path("home/books/out/reports/nightly").exists(), "the first report of one's own");
}

#[test]
fn the_accountants_commands_do_what_they_tell() {
    let clone = Clone::new();
    for block in commands(section(&readme(), "## For the accountant")) {
        all_do_as_told(&clone, &block);
    }
}

#[test]
fn the_nightly_set_up_does_what_it_tells() {
    let blocks = commands(section(&readme(), "## For the operator"));
    // What follows it is run beside the warehouse.
    let [set_up, ..] = &blocks[..] else { panic!("{blocks:?}") };
    let clone = Clone::new();
    clone.give_key("clone");
    // A folder of one's own: the clone's example would stand in the way.
    fs::remove_dir_all(clone.place.path("clone/jobs")).expect("a folder");
    clone.give_key("clone");
    all_do_as_told(&clone, set_up);
    let units = clone.place.path("root/etc/systemd/system");
    let service = fs::read_to_string(units.join("tieout-nightly.service")).expect("a unit");
    assert!(
        service.contains("ExecStart=\"/srv/tieout/tieout\" run \"jobs/nightly.toml\"")
            || service.contains("ExecStart=/srv/tieout/tieout run jobs/nightly.toml"),
        "{service}"
    );
}

/// The lines in Python are run beside the warehouse.
#[test]
fn the_data_engineers_commands_do_what_they_tell() {
    let blocks = commands(section(&readme(), "## For the data engineer"));
    let block: Vec<String> = blocks[0].iter().filter(|line| !line.starts_with("python")).cloned().collect();
    assert_eq!(block.len(), 2, "{block:?}");
    let clone = Clone::new();
    clone.give_key("clone");
    // Nobody else wants the sandbox's allowance.
    let job = clone.place.path("clone/jobs/backfill.toml");
    let written = fs::read_to_string(&job).expect("a job");
    fs::write(&job, written.replace("requests_per_second = 5 ", "requests_per_second = 500 ")).expect("written");
    all_do_as_told(&clone, &block);
    for window in ["2026-08-01_2026-08-31", "2026-09-01_2026-09-30", "2026-10-01_2026-10-31"] {
        let report = |out: &str, job: &str| clone.place.path(&format!("clone/{out}/reports/{job}/{window}"));
        for name in ["account_statements", "iban_statements", "card_transactions", "credit_transfers", "breaks"] {
            let read = |folder: PathBuf| fs::read_to_string(folder.join(format!("{name}.csv"))).expect("a report");
            let (fetched, again) = (read(report("out", "backfill")), read(report("again", "accounting")));
            assert!(fetched == again, "{window}, {name}");
        }
    }
}

/// Every option that stands in a command of README.md is one that the command knows.
#[test]
fn options_that_are_named_exist() {
    let text = readme();
    let quoted = text.split('`').skip(1).step_by(2).flat_map(str::lines);
    let blocks = text.split("```sh\n").skip(1).flat_map(|block| block.split("```").next().unwrap_or_default().lines());
    let mut looked_at = 0;
    let place = Place::new();
    for command in quoted.chain(blocks) {
        let Some(arguments) = command.trim().strip_prefix("tieout ") else { continue };
        let arguments = arguments.split(" # ").next().unwrap_or_default();
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let named: BTreeSet<&str> = words
            .iter()
            .filter(|word| word.starts_with("--"))
            .map(|word| word.trim_end_matches([',', '.', ']']))
            .collect();
        let mut path: Vec<&str> = words[..1].to_vec();
        if words[0] == "breaks" {
            path.extend(words.get(1));
        }
        let help = place.tieout(&[&path[..], &["--help"]].concat());
        assert_eq!(help.code, 0, "{command}: {}", help.stderr);
        for option in named {
            assert!(help.stdout.contains(option), "{option} of `{command}` in\n{}", help.stdout);
            looked_at += 1;
        }
    }
    assert!(looked_at > 20, "{looked_at}");
}

/// Relative links of the documents lead to files, and to headings that are there.
#[test]
fn links_lead_somewhere() {
    let mut documents = vec!["README.md", "RELIABILITY.md", "schemas/README.md", "sample-data/README.md"];
    documents.extend(["docs/breaks.md", "docs/provider-anytime.md"]);
    let mut followed = 0;
    for document in documents {
        let path = Path::new(ROOT).join(document);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{document}: {error}"));
        for link in links(&text) {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().expect("a folder").join(file) };
            assert!(target.exists(), "{document} links to {link}");
            if !anchor.is_empty() && target.extension().is_some_and(|extension| extension == "md") {
                assert!(anchors(&target).contains(anchor), "{document} links to {link}");
            }
            followed += 1;
        }
    }
    assert!(followed > 40, "{followed}");
}

/// Targets of links and of pictures, but for those on the web.
fn links(text: &str) -> Vec<String> {
    let between = |begin: &str, end: char| -> Vec<String> {
        text.split(begin).skip(1).filter_map(|rest| rest.split(end).next()).map(str::to_owned).collect()
    };
    let all = [between("](", ')'), between("src=\"", '"'), between("srcset=\"", '"')].concat();
    all.into_iter().filter(|link| !link.contains("://") && !link.contains(char::is_whitespace)).collect()
}

/// The anchors that a reader of Markdown gives to the headings.
fn anchors(document: &PathBuf) -> BTreeSet<String> {
    let text = fs::read_to_string(document).expect("a document");
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let anchor = |heading: &str| -> String {
        let kept = heading.to_lowercase();
        kept.chars()
            .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter))
            .collect::<String>()
            .replace(' ', "-")
    };
    headings.map(anchor).collect()
}
