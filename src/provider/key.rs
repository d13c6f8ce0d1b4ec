//! The RSA private key that signs requests, from a PEM file in any form that OpenSSL writes.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use pkcs8::EncryptedPrivateKeyInfo;
use rsa::RsaPrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::pem::{self, Block, DecryptError};
use crate::job::{Connection, KeySource};
use crate::{Error, Result};

/// Larger files are no keys.
const FILE_BYTES_MAX: u64 = 64 << 10;
/// `rsaEncryption`.
const RSA_OID: &str = "1.2.840.113549.1.1.1";
/// What a key should be turned into when it cannot be read as it is.
const CONVERT: &str = "openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD.pem -out NEW.pem writes one that can be read";

/// Loads the key of a connection: from its file, or from the text that an environment variable gave.
///
/// # Errors
/// As [`load`].
pub fn of(connection: &Connection) -> Result<RsaPrivateKey> {
    from(&connection.private_key, connection.private_key_passphrase.as_ref())
}

/// Loads the key from its source.
///
/// # Errors
/// As [`load`].
pub fn from(source: &KeySource, passphrase: Option<&SecretString>) -> Result<RsaPrivateKey> {
    match source {
        KeySource::File(path) => load(path, passphrase),
        KeySource::Text(pem) => parse(pem.expose_secret(), passphrase),
    }
}

/// Loads the key at `path`: PKCS#1 (`RSA PRIVATE KEY`), PKCS#8 (`PRIVATE KEY`), or either encrypted.
///
/// # Errors
/// When the file cannot be read or can be read by others, holds no RSA private key, or its passphrase is missing or
/// wrong. All are of kind [`Job`](crate::ErrorKind::Job).
pub fn load(path: &Path, passphrase: Option<&SecretString>) -> Result<RsaPrivateKey> {
    let text = read_private(path)?;
    parse(&text, passphrase).map_err(|error| error.at(path.display()))
}

fn read_private(path: &Path) -> Result<Zeroizing<String>> {
    let unreadable =
        |error: std::io::Error| Error::job("the private key could not be read").at(path.display()).because(error);
    let file = File::open(path).map_err(unreadable)?;
    // Of the file that was opened, not of the path: nobody can swap it in between.
    let about = file.metadata().map_err(unreadable)?;
    let mode = about.permissions().mode() & 0o777;
    if about.is_file() && mode & 0o077 != 0 {
        let message =
            format!("expected a private key that only its owner can read, but others can too (mode {mode:o})");
        return Err(Error::job(message).at(path.display()).hint(format!("chmod 600 {}", path.display())));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

/// Reads the key out of a PEM text.
///
/// # Errors
/// As [`load`], without the file's part.
pub fn parse(pem_text: &str, passphrase: Option<&SecretString>) -> Result<RsaPrivateKey> {
    let blocks = pem::blocks(pem_text).map_err(|damage| Error::job(format!("the private key is damaged: {damage}")))?;
    let Some(block) = blocks.iter().find(|block| block.label.ends_with("PRIVATE KEY")) else {
        return Err(no_private_key(&blocks));
    };
    match block.label.as_str() {
        "RSA PRIVATE KEY" => match &block.encryption {
            None => pkcs1(&block.bytes).map_err(damaged),
            Some(encryption) => {
                let passphrase = required(passphrase)?;
                let der = encryption.decrypt(passphrase, &block.bytes).map_err(|error| undecrypted(&error))?;
                // Its padding is the only witness, and a wrong passphrase meets it once in 256 times.
                pkcs1(&der).map_err(|_| wrong_passphrase())
            }
        },
        "PRIVATE KEY" => pkcs8(&block.bytes),
        "ENCRYPTED PRIVATE KEY" => encrypted_pkcs8(&block.bytes, required(passphrase)?),
        other => Err(Error::job(format!("expected an RSA private key, but found '{other}'")).hint(CONVERT)),
    }
}

fn no_private_key(blocks: &[Block]) -> Error {
    let hint = "the file should begin with -----BEGIN RSA PRIVATE KEY-----, -----BEGIN PRIVATE KEY----- or \
                -----BEGIN ENCRYPTED PRIVATE KEY-----";
    let found = blocks.first().map_or_else(|| "no PEM block at all".to_owned(), |block| format!("'{}'", block.label));
    Error::job(format!("expected a private key in PEM form, but found {found}")).hint(hint)
}

fn required(passphrase: Option<&SecretString>) -> Result<&[u8]> {
    let hint = "set private_key_passphrase = { env = \"…\" } or { file = \"…\" } in the job's [source]";
    passphrase
        .map(|passphrase| passphrase.expose_secret().as_bytes())
        .ok_or_else(|| Error::job("the private key is encrypted, but the job names no passphrase for it").hint(hint))
}

fn pkcs1(der: &[u8]) -> Result<RsaPrivateKey, String> {
    RsaPrivateKey::from_pkcs1_der(der).map_err(|error| error.to_string())
}

fn pkcs8(der: &[u8]) -> Result<RsaPrivateKey> {
    let info = pkcs8::PrivateKeyInfo::try_from(der).map_err(|error| damaged(error.to_string()))?;
    let kind = info.algorithm.oid.to_string();
    if kind != RSA_OID {
        let name = match kind.as_str() {
            "1.2.840.10045.2.1" => "an elliptic-curve key",
            "1.3.101.112" => "an Ed25519 key",
            "1.2.840.113549.1.1.10" => "an RSA key for PSS signatures only",
            "1.2.840.10040.4.1" => "a DSA key",
            other => other,
        };
        let hint = "openssl genrsa -des3 -out id_rsa.pem 2048 makes one, as the provider's guide says";
        return Err(Error::job(format!("expected an RSA private key, but found {name}")).hint(hint));
    }
    RsaPrivateKey::from_pkcs8_der(der).map_err(|error| damaged(error.to_string()))
}

fn encrypted_pkcs8(der: &[u8], passphrase: &[u8]) -> Result<RsaPrivateKey> {
    let unknown = |what: String| {
        Error::job(format!("the private key is encrypted in a way that is not understood: {what}")).hint(CONVERT)
    };
    let info = EncryptedPrivateKeyInfo::try_from(der).map_err(|error| unknown(error.to_string()))?;
    let decrypted = info.decrypt(passphrase).map_err(|error| match error {
        pkcs8::Error::EncryptedPrivateKey(
            cause @ (pkcs8::pkcs5::Error::UnsupportedAlgorithm { .. }
            | pkcs8::pkcs5::Error::AlgorithmParametersInvalid { .. }),
        ) => unknown(cause.to_string()),
        _ => wrong_passphrase(),
    })?;
    pkcs8::PrivateKeyInfo::try_from(decrypted.as_bytes()).map_err(|_| wrong_passphrase())?;
    pkcs8(decrypted.as_bytes())
}

fn undecrypted(error: &DecryptError) -> Error {
    match error {
        DecryptError::WrongPassphrase => wrong_passphrase(),
        DecryptError::UnknownCipher => {
            Error::job("the private key is encrypted with a cipher that is not understood").hint(CONVERT)
        }
    }
}

fn wrong_passphrase() -> Error {
    Error::job("the passphrase does not open the private key")
        .hint("openssl rsa -in FILE -noout asks for the passphrase and tells whether it fits")
}

fn damaged(cause: String) -> Error {
    Error::job("the private key is damaged").because(cause)
}
