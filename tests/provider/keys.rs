//! Every form of private key that the `openssl` program writes.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rsa::traits::PublicKeyParts;
use tieout::provider::key;

use crate::server::KEY_PEM;
use crate::write_private;

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().expect("openssl runs");
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_form_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    write_private(&at("plain.pem"), KEY_PEM.as_bytes());
    let plain = key::load(&at("plain.pem"), None).expect("PKCS#1");
    let forms = [
        ("pkcs8.pem", "pkcs8 -topk8 -nocrypt -in plain.pem -out pkcs8.pem"),
        ("aes.pem", "pkcs8 -topk8 -v2 aes-256-cbc -in plain.pem -out aes.pem -passout pass:open-sesame"),
        (
            "aes-sha1.pem",
            "pkcs8 -topk8 -v2 aes-128-cbc -v2prf hmacWithSHA1 -in plain.pem -out aes-sha1.pem -passout pass:open-sesame",
        ),
        ("des3-pkcs8.pem", "pkcs8 -topk8 -v2 des3 -in plain.pem -out des3-pkcs8.pem -passout pass:open-sesame"),
        ("scrypt.pem", "pkcs8 -topk8 -scrypt -in plain.pem -out scrypt.pem -passout pass:open-sesame"),
        ("old-des3.pem", "rsa -traditional -des3 -in plain.pem -out old-des3.pem -passout pass:open-sesame"),
        ("old-aes128.pem", "rsa -traditional -aes128 -in plain.pem -out old-aes128.pem -passout pass:open-sesame"),
        ("old-aes192.pem", "rsa -traditional -aes192 -in plain.pem -out old-aes192.pem -passout pass:open-sesame"),
        ("old-aes256.pem", "rsa -traditional -aes256 -in plain.pem -out old-aes256.pem -passout pass:open-sesame"),
    ];
    for (file, arguments) in forms {
        openssl(folder.path(), arguments);
        let key = key::load(&at(file), Some(&"open-sesame".into())).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(key.n(), plain.n(), "{file}");
        if file == "pkcs8.pem" {
            continue;
        }
        let error = key::load(&at(file), None).expect_err("no passphrase");
        assert!(error.message().contains("names no passphrase"), "{file}: {error}");
        let error = key::load(&at(file), Some(&"open-barley".into())).expect_err("a wrong passphrase");
        assert!(error.message().contains("does not open"), "{file}: {error}");
        assert!(!error.to_string().contains("barley"), "{file}: {error}");
    }
}

#[test]
fn the_providers_own_guide_makes_a_key_that_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    openssl(folder.path(), "genrsa -des3 -passout pass:open-sesame -out id_rsa.pem 2048");
    let key = key::load(&folder.path().join("id_rsa.pem"), Some(&"open-sesame".into())).expect("a key");
    assert_eq!(key.size(), 256);
}

#[test]
fn other_keys_and_files_are_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    openssl(folder.path(), "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem");
    openssl(folder.path(), "ecparam -name prime256v1 -genkey -noout -out ec-old.pem");
    openssl(folder.path(), "genpkey -algorithm ED25519 -out ed.pem");
    write_private(&folder.path().join("plain.pem"), KEY_PEM.as_bytes());
    openssl(folder.path(), "rsa -in plain.pem -pubout -out public.pem");
    openssl(folder.path(), "pkcs8 -topk8 -v1 PBE-SHA1-3DES -in plain.pem -out pbes1.pem -passout pass:open-sesame");
    write_private(&folder.path().join("empty.pem"), b"");
    write_private(&folder.path().join("half.pem"), &KEY_PEM.as_bytes()[..400]);
    let damaged = KEY_PEM.replacen("MII", "MIJ", 1);
    write_private(&folder.path().join("damaged.pem"), damaged.as_bytes());
    for (file, said) in [
        ("ec.pem", "an elliptic-curve key"),
        ("ec-old.pem", "'EC PRIVATE KEY'"),
        ("ed.pem", "an Ed25519 key"),
        ("public.pem", "'PUBLIC KEY'"),
        ("pbes1.pem", "encrypted in a way that is not understood"),
        ("empty.pem", "no PEM block"),
        ("half.pem", "no end line"),
        ("damaged.pem", "damaged"),
        ("missing.pem", "could not be read"),
    ] {
        let path = folder.path().join(file);
        if path.exists() {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("permissions");
        }
        let error = key::load(&path, Some(&"open-sesame".into())).expect_err("no key");
        assert!(error.message().contains(said), "{file}: {error}");
        assert_eq!(error.kind(), tieout::ErrorKind::Job, "{file}");
        assert!(error.to_string().contains(file), "{error}");
    }
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key.pem");
    write_private(&path, KEY_PEM.as_bytes());
    for mode in [0o640, 0o604, 0o620, 0o644, 0o601] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("permissions");
        let error = key::load(&path, None).expect_err("too open");
        assert!(error.message().contains(&format!("mode {mode:o}")), "{error}");
        assert_eq!(error.hint_text(), Some(format!("chmod 600 {}", path.display()).as_str()));
    }
    for mode in [0o600, 0o400] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("permissions");
        key::load(&path, None).expect("private enough");
    }
}
