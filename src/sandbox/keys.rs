//! The key pair with which a client proves who it is.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY};
use rsa::pkcs1::{DecodeRsaPrivateKey, DecodeRsaPublicKey, EncodeRsaPublicKey};
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::{RsaPrivateKey, RsaPublicKey};

use crate::{Error, Result};

/// Bits of a key that is made, as in the provider's guide.
const KEY_BITS: usize = 2048;

/// A registered key.
///
/// Signatures are verified by another library than the one that clients of this crate sign with: two implementations
/// must agree. It is also ten times as fast, which is what pages a second hang on.
#[derive(Clone, Debug)]
pub struct PublicKey(ParsedPublicKey);

impl PublicKey {
    /// Reads a PEM text: a public key (`BEGIN PUBLIC KEY`, `BEGIN RSA PUBLIC KEY`), or a private key that is not
    /// encrypted, whose public half is taken.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn from_pem(pem: &str) -> Result<PublicKey> {
        RsaPublicKey::from_public_key_pem(pem)
            .ok()
            .or_else(|| RsaPublicKey::from_pkcs1_pem(pem).ok())
            .or_else(|| RsaPrivateKey::from_pkcs8_pem(pem).ok().map(|key| key.to_public_key()))
            .or_else(|| RsaPrivateKey::from_pkcs1_pem(pem).ok().map(|key| key.to_public_key()))
            .and_then(|key| key.to_pkcs1_der().ok())
            .and_then(|der| ParsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, der.as_bytes()).ok())
            .map(PublicKey)
            .ok_or_else(|| {
                Error::usage("expected an RSA public key of 1024 to 8192 bits as PEM, found something else")
                    .hint("`openssl rsa -in id_rsa.pem -pubout -out id_rsa.pub.pem` makes one")
            })
    }

    /// Reads a PEM file.
    ///
    /// # Errors
    /// When it cannot be read or holds no such key.
    pub fn from_file(path: &Path) -> Result<PublicKey> {
        let pem = fs::read_to_string(path)
            .map_err(|error| Error::usage("could not read the public key").at(path.display()).because(error))?;
        PublicKey::from_pem(&pem).map_err(|error| error.at(path.display()))
    }

    /// Whether the signature is RSA PKCS#1 v1.5 over SHA-1 of the message.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

/// A key pair on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFiles {
    /// `id_rsa.pem`: the private key, readable by its owner alone.
    pub private: PathBuf,
    /// `id_rsa.pub.pem`: the public key.
    pub public: PathBuf,
    /// Whether the pair was made just now.
    pub made: bool,
}

impl KeyFiles {
    /// The pair in a folder; it is made when there is none. An existing key is never written over.
    ///
    /// # Errors
    /// When the folder cannot be written to, or holds half a pair.
    pub fn in_folder(folder: &Path) -> Result<KeyFiles> {
        let private = folder.join("id_rsa.pem");
        let public = folder.join("id_rsa.pub.pem");
        match (private.exists(), public.exists()) {
            (true, true) => Ok(KeyFiles { private, public, made: false }),
            (false, false) => {
                make(folder, &private, &public)?;
                Ok(KeyFiles { private, public, made: true })
            }
            _ => Err(Error::usage(format!("expected both halves of a key pair in '{}', found one", folder.display()))
                .hint("name another folder with --keys, or complete the pair with openssl")),
        }
    }
}

fn make(folder: &Path, private: &Path, public: &Path) -> Result<()> {
    let (private_pem, public_pem) = generate()?;
    make_folder(folder)
        .and_then(|()| write_new(private, private_pem.as_bytes(), 0o600))
        .and_then(|()| write_new(public, public_pem.as_bytes(), 0o644))
        .map_err(|error| Error::environment("could not write the key pair").at(folder.display()).because(error))
}

/// Makes a key pair: private (PKCS#8) and public (SPKI), both as PEM.
///
/// # Errors
/// When the system gives no randomness.
pub fn generate() -> Result<(String, String)> {
    let broken = |error: &dyn std::fmt::Display| Error::environment(format!("could not make a key pair: {error}"));
    let private = RsaPrivateKey::new(&mut rand::rngs::OsRng, KEY_BITS).map_err(|error| broken(&error))?;
    let public_pem = private.to_public_key().to_public_key_pem(LineEnding::LF).map_err(|error| broken(&error))?;
    let private_pem = private.to_pkcs8_pem(LineEnding::LF).map_err(|error| broken(&error))?;
    Ok((private_pem.to_string(), public_pem))
}

#[cfg(unix)]
fn make_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_folder(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)
}

/// Writes a file that must not be there yet, with its final permissions from its first byte.
fn write_new(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)?.write_all(bytes)
}
