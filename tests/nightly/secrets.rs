//! Canaries: what nobody may read is on no disk, in no log and in no message, whatever goes wrong; card numbers and
//! verification codes are masked before they land.

use std::fs;
use std::path::Path;
use std::process::Command;

use tieout::sandbox::Books;
use tieout::sandbox::books::{Account, Card, ListedRow};

use super::books::page;
use super::support::{Bench, Ended, Place, rows, tree};

const PASSWORD: &str = "canary-5ecret-password";
const CLIENT_SECRET: &str = "canary-5ecret-client";
const PASSPHRASE: &str = "canary-5ecret-passphrase";
/// Passes Luhn, as does the second.
const PAN: &str = "4111111111111111";
const OTHER_PAN: &str = "5500005555555559";

/// Everything below a folder in readable form: what is packed is unpacked.
fn readable(folder: &Path) -> Vec<(String, String)> {
    let unpacked = |path: &Path, bytes: Vec<u8>| match path.extension() {
        Some(extension) if extension == "zst" => zstd::decode_all(&bytes[..]).unwrap_or(bytes),
        _ => bytes,
    };
    tree(folder)
        .into_iter()
        .map(|(path, bytes)| {
            (path.display().to_string(), String::from_utf8_lossy(&unpacked(&path, bytes)).into_owned())
        })
        .collect()
}

fn assert_nowhere(secrets: &[&str], bench: &Bench, ended: &Ended) {
    let out = bench.place.path("out");
    let mut texts = if out.exists() { readable(&out) } else { Vec::new() };
    texts.push(("stdout".to_owned(), ended.stdout.clone()));
    texts.push(("stderr".to_owned(), ended.stderr.clone()));
    assert!(!ended.stderr.is_empty());
    for (place, text) in &texts {
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} in {place}");
        }
    }
}

/// The key of the place, encrypted; and a part of its text and of its number that nobody may see.
fn encrypt_key(bench: &Bench) -> Vec<String> {
    let key = bench.place.path("id_rsa.pem");
    let plain = fs::read_to_string(&key).expect("a key");
    let encrypted = Command::new("openssl")
        .args(["rsa", "-aes128", "-passout", &format!("pass:{PASSPHRASE}"), "-in"])
        .arg(&key)
        .output()
        .expect("openssl runs");
    assert!(encrypted.status.success(), "{}", String::from_utf8_lossy(&encrypted.stderr));
    fs::write(&key, &encrypted.stdout).expect("written");
    let lines = |text: &str| text.lines().filter(|line| line.len() == 64).map(str::to_owned).collect::<Vec<_>>();
    let mut secrets = lines(&plain);
    secrets.extend(lines(&String::from_utf8_lossy(&encrypted.stdout)));
    assert!(secrets.len() > 20);
    secrets
}

#[test]
fn secrets_are_nowhere_with_every_fault_on_and_everything_logged() {
    let faults = [
        "500@*#7%",
        "429@*#5%",
        "html@*#3%",
        "wrong-hash@*#4%",
        "bad-json@*#3%",
        "reset@*#3%",
        "cut@*#4%",
        "empty@*#3%",
        "revoke@*#4%",
        "redirect@/transactions#9",
        "deep-json@/statements#4",
        "endless@/cards/ANY2107926427/#6",
        "headers@/transactions#5",
        "403@/accounts/2/iban-statements#*",
        "401:code=4010070@/credit-transfers#2",
        "503@/oauth/v2/token#1",
        "500@/oauth/v2/token#2",
        "bad-row:amount@/statements#1x9",
        "gzip-bomb:80@/cards#3",
    ];
    let bench = Bench::with(|config| {
        config.behaviour.page_rows_max = 40;
        config.faults = faults.iter().map(|fault| fault.parse().expect("a fault")).collect();
        (config.credentials.password, config.credentials.client_secret) =
            (PASSWORD.to_owned(), CLIENT_SECRET.to_owned());
    });
    let key_texts = encrypt_key(&bench);
    bench.write_job("", "private_key_passphrase = { env = \"KEY_PASSPHRASE\" }");
    let run = |passphrase: &str| -> Ended {
        let mut command = bench.place.command(&["run", "job.toml", "--out", "out"]);
        command
            .env("TIEOUT_LOG", "trace")
            .env("ANYTIME_PASSWORD", PASSWORD)
            .env("ANYTIME_CLIENT_SECRET", CLIENT_SECRET)
            .env("KEY_PASSPHRASE", passphrase);
        command.output().expect("it runs").into()
    };
    let mut secrets = vec![PASSWORD, CLIENT_SECRET, PASSPHRASE, "access_token", "refresh_token", "Bearer "];
    secrets.extend(key_texts.iter().map(String::as_str));
    // A wrong passphrase is told without it.
    let ended = run("canary-5ecret-wrong");
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(!ended.stderr.contains("canary-5ecret"), "{}", ended.stderr);
    let ended = run(PASSPHRASE);
    assert!(ended.stderr.contains("trying again") && ended.stderr.contains("a new access token"), "{}", ended.stderr);
    assert!(ended.code == 4 || ended.code == 1, "{}", ended.code);
    assert_nowhere(&secrets, &bench, &ended);
    // Tokens as such: 40 hexadecimal digits, which nothing else in a log or a page is.
    for (place, text) in readable(&bench.place.path("out")).into_iter().chain([("stderr".to_owned(), ended.stderr)]) {
        let is_hex = |c: char| c.is_ascii_hexdigit();
        let token = text.split(|c| !is_hex(c)).find(|run| run.len() == 40 && !place.ends_with(".parquet"));
        assert_eq!(token, None, "{place}");
    }
}

/// Books in which the provider sends what it must not send.
fn books_with_card_numbers() -> Books {
    let row = |txid: u32, more: &str| {
        let json = format!(
            r#"{{"txid":{txid},"amount":10,"amount_fx":10,"currency":"EUR","fx":1,"fx_fee":0,"status":"S","type":"C","balance_after":{},"date":"2026-09-10 10:00:0{txid}","description":"d"{more}}}"#,
            txid * 10
        );
        ListedRow::read(json)
    };
    let transactions = vec![
        row(1, &format!(r#","pan":"{PAN}","cvv":"987""#)),
        row(2, &format!(r#","card":{{"cardNumber": {PAN},"expiry":"12/29","security_code":9876}}"#)),
        row(3, &format!(r#","number":"4111 1111 1111 1111","reference":"{OTHER_PAN}""#)),
    ];
    let mut broken = row(4, &format!(r#","primary_account_number":"{PAN}""#));
    broken.json = broken.json.replace("\"amount\":10", "\"amount\":\"ten\"");
    let card = Card {
        card_ref: "ANY1".to_owned(),
        list_row: format!(r#"{{"card_ref":"ANY1","status":"1","balance":"30.00","card_number":"{PAN}"}}"#),
        details: r#"{"card_ref":"ANY1"}"#.to_owned(),
        transactions: transactions.into_iter().chain([broken]).collect(),
    };
    let account = Account {
        acc_id: "1".to_owned(),
        list_row: r#"{"acc_id":"1","acc_type":"business"}"#.to_owned(),
        details: format!(
            r#"{{"acc_id":"1","acc_currency":"EUR","iban":"FR1420041010050500013M02606","card":{{"pan":"{PAN}"}}}}"#
        ),
        balance: r#"{"balance":"0.00"}"#.to_owned(),
        cards: vec![card],
        statements: Vec::new(),
        iban_statements: Vec::new(),
        credit_transfers: Vec::new(),
    };
    Books { accounts: vec![account] }
}

#[test]
fn card_numbers_and_codes_are_masked_before_they_land() {
    let bench = Bench::with(|config| config.books = books_with_card_numbers());
    let ended: Ended = bench
        .place
        .command(&["run", "job.toml", "--out", "out"])
        .env("TIEOUT_LOG", "trace")
        .output()
        .expect("it runs")
        .into();
    assert_eq!(ended.code, 4, "a row is rejected: {}", ended.stderr);
    assert_nowhere(&[PAN, "4111 1111 1111 1111", "\"987\"", "9876,", ":9876}"], &bench, &ended);
    let landed = readable(&bench.place.path("out/raw"));
    let (_, transactions) =
        landed.iter().find(|(path, _)| path.starts_with("card_transactions")).expect("they have landed");
    for masked in [
        r#""pan":"************1111","cvv":"***""#,
        r#""cardNumber": 9999999999991111"#,
        r#""security_code":9999"#,
        r#""number":"**** **** **** 1111""#,
        r#""primary_account_number":"************1111""#,
    ] {
        assert!(transactions.contains(masked), "{masked}: {transactions}");
    }
    // Under a key that names no card number, it is a reference.
    assert!(transactions.contains(OTHER_PAN));
    let (_, index) = landed.iter().find(|(path, _)| path.starts_with("_runs")).expect("an index");
    assert!(index.contains("\"masked\":6") && index.contains("\"masked\":1"), "{index}");
    let rejects = rows(&bench.reports()["rejects.csv"]);
    assert!(rejects[0]["raw"].contains("************1111"), "{rejects:?}");
    // What landed is what its hash says, and can be read back.
    let again = bench.place.tieout(&["run", "job.toml", "--archive", "out/raw", "--out", "again"]);
    assert_eq!(again.code, 4, "{}", again.stderr);
    assert!(bench.place.reports("again") == bench.reports());
}

/// Pages from elsewhere stay as they are; what is shown of them is masked.
#[test]
fn rejected_rows_of_an_archive_are_masked() {
    let place = Place::new();
    let row =
        format!(r#"{{"txid":1,"amount":"ten","type":"C","status":"S","date":"2026-01-10 10:00:00","pan":"{PAN}"}}"#);
    let torn = format!("{{\"body\":{{\"pan\":\"{PAN}\",\"tran");
    let (code, reports) = super::books::run(&place, &[page(&[row]), torn], "2026-01-01", "2026-01-31");
    assert_eq!(code, 4);
    let rejects = rows(&reports["rejects.csv"]);
    assert_eq!(rejects.len(), 2);
    assert!(rejects.iter().all(|reject| reject["raw"].contains("************1111")), "{rejects:?}");
    for (path, text) in readable(&place.path("out")) {
        assert!(!text.contains(PAN), "{path}");
    }
}

/// What stands where a secret belongs, however the file is wrong: each with a part of the line by which its problem is told.
const LEAKY_LINES: [(&str, &str); 34] = [
    ("password", "password = \"canary-5ecret"),
    ("password", "password = canary-5ecret"),
    ("password", "password \"canary-5ecret\""),
    ("password", "password: canary-5ecret"),
    ("password", "password =\n  \"canary-5ecret\""),
    ("password", "password = \"canary\"5ecret\""),
    ("password", "\"password\" = 'canary-5ecret"),
    ("password", "password = \"\"\"\nname = \"canary-5ecret\"\n"),
    ("password", "password = [\n  \"canary-5ecret\",\n  5 5\n]"),
    ("password", "password = \"canary-5ecret\""),
    ("password", "password = \"\"\"\ncanary-5ecret\"\"\""),
    ("password", "password = { value = \"canary-5ecret\" }"),
    ("password", "password = { value = \"canary-5ecret\", env = \"HOME\" }"),
    ("password", "password = { env = \"canary-5ecret\", file = \"canary-5ecret\" }"),
    ("password", "password = { env = \"NOT_SET_ANYWHERE\" } # canary-5ecret"),
    ("password", "password = { env = \"canary-5ecret\" }"),
    ("password", "password = { env = 5, value = \"canary-5ecret\" }"),
    ("password", "password = [\"canary-5ecret\"]"),
    ("password", "password = [\n\"canary-5ecret\"\n]"),
    ("password", "password = 4815162342"),
    ("password", "password = 4815162342.5"),
    ("password", "password = 1979-05-27"),
    ("password", "password.value = \"canary-5ecret\""),
    ("pasword", "pasword = \"canary-5ecret\""),
    ("passphrase", "passphrase = \"canary-5ecret\""),
    ("hunter", "hunter = { value = \"canary-5ecret\" }"),
    ("client_secret", "client_secret = [[\"canary-5ecret\"]]"),
    ("private_key", "private_key = \"-----BEGIN canary-5ecret\""),
    ("private_key_passphrase", "private_key_passphrase = { value = \"canary-5ecret\" }"),
    ("base_url", "base_url = \"https://me:canary-5ecret@ws-sandbox.anyti.me\""),
    ("base_url", "base_url = \"https://me:canary-5ecret@ws sandbox\""),
    ("base_url", "base_url = \"https:me:canary-5ecret@ws-sandbox.anyti.me"),
    ("base_url", "base_url = \"https://ws-sandbox.anyti.me/?token=canary-5ecret\""),
    ("base_url", "base_url = { env = \"SECRET_OF_ANOTHER\" }"),
];

/// Tables in which a secret stands as none may.
const LEAKY_TABLES: [&str; 9] = [
    "[notify]\nwebhook = [\"canary-5ecret\"]",
    "[notify]\nwebhook = { value = \"https://hooks.example/canary-5ecret\" }",
    "[notify]\nwebhook_token = 4815162342",
    "[notify]\nwebhook_token = \"canary-5ecret",
    "[notify]\nhealthcheck = [\"canary-5ecret\"]",
    "[notify]\ncommand = \"tell --token canary-5ecret\"",
    "[source.password]\nvalue = \"canary-5ecret\"",
    "[sourc]\npassword = \"canary-5ecret\"",
    "source = { provider = \"anytime\", password = \"canary-5ecret\", usernam = \"x\" }",
];

const SOURCE: &str = "[source]\nprovider = \"anytime\"\nbase_url = \"http://127.0.0.1:9\"\nusername = \"u\"\nclient_id = \"c\"\n\
client_secret = { env = \"ANYTIME_CLIENT_SECRET\" }\npassword = { env = \"ANYTIME_PASSWORD\" }\n\
private_key = { file = \"id_rsa.pem\" }\n";

/// What the commands that read a job file say of `job`, as text and as JSON.
fn said_of(place: &Place, job: &str) -> Vec<(i32, String)> {
    let commands: [&[&str]; 5] = [
        &["run", "job.toml"],
        &["check", "job.toml", "--offline"],
        &["check", "job.toml", "--offline", "--format", "json"],
        &["schedule", "--print", "crontab", "job.toml"],
        &["run", "job.toml", "--log-format", "json"],
    ];
    place.write("job.toml", job);
    let said = |arguments: &&[&str]| {
        let mut command = place.command(arguments);
        let output = command.env("SECRET_OF_ANOTHER", "canary-5ecret").env("TIEOUT_LOG", "trace").output();
        let ended: Ended = output.expect("it runs").into();
        (ended.code, ended.stdout + &ended.stderr)
    };
    commands.iter().map(said).collect()
}

#[test]
fn a_wrong_job_file_is_told_without_its_secrets() {
    let place = Place::new();
    let job = "[job]\nname = \"demo\"\nwindow = { last_days = 7 }\n";
    let lines = LEAKY_LINES.map(|(key, line)| {
        let is_other = |there: &&str| !there.starts_with(&format!("{key} "));
        let others: Vec<&str> = SOURCE.lines().filter(is_other).collect();
        format!("{job}{}\n{line}\n[output]\nformats = [\"csv\"]\n", others.join("\n"))
    });
    let tables = LEAKY_TABLES.map(|table| {
        let root = table.starts_with("source");
        let source = if table.contains("ource") && !table.contains("[sourc]") { "[report]\n" } else { SOURCE };
        if root { format!("{table}\n{job}") } else { format!("{job}{source}{table}\n") }
    });
    for text in lines.iter().chain(&tables) {
        for (nth, (code, said)) in said_of(&place, text).into_iter().enumerate() {
            // A schedule is all that its command looks for.
            assert!(code == 2 || nth == 3, "{code} of\n{text}\n{said}");
            assert!(nth == 3 || said.contains("job.toml:"), "the place is told\n{text}\n{said}");
            for part in ["canary", "5ecret", "4815162342", "1979"] {
                assert!(!said.contains(part), "{part} of\n{text}\nis in\n{said}");
            }
        }
    }
}

/// What the reader needs to see stays: the key, the place, what was expected.
#[test]
fn a_secret_in_the_job_file_is_shown_as_stars() {
    let place = Place::new();
    let told = |line: &str| {
        let text = format!("[job]\nname = \"demo\"\nwindow = {{ last_days = 7 }}\n{SOURCE}{line}\n");
        place.write("job.toml", &text);
        let ended = place.tieout(&["run", "job.toml"]);
        ended.stderr.split_once("\n\n").map_or(String::new(), |(_, problems)| problems.to_owned())
    };
    let told: Vec<String> = [
        "private_key_passphrase = \"canary-5ecret",
        "private_key_passphrase = { value = \"canary-5ecret\" }",
        "private_key_passphrase = 4815162342",
        "private_key_passphrase = { env = \"NOT_SET_ANYWHERE\" }   # canary-5ecret",
        "pasword = \"canary-5ecret\"",
        "ca_certificate = \"https://me:canary-5ecret@ws-sandbox.anyti.me/ca.pem\"",
    ]
    .map(told)
    .into();
    insta::assert_snapshot!(told.join("\n"));
}
