//! A new key pair for the signing of requests.

use rand::RngCore as _;
use rand::rngs::OsRng;
use rsa::RsaPrivateKey;
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::{Error, Result};

/// Bits that a key may have: fewer are weak, more take minutes to make.
pub const BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// Rounds that turn a passphrase into a key; about a third of a second.
const ROUNDS: u32 = 600_000;

/// Both halves, as PEM.
pub struct KeyPair {
    /// PKCS#8, encrypted if there is a passphrase.
    pub private_pem: Zeroizing<String>,
    /// What the provider registers.
    pub public_pem: String,
}

impl KeyPair {
    /// Makes a pair; the private half is encrypted (PBES2, PBKDF2 with SHA-256, AES-256) if there is a passphrase.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn make(bits: usize, passphrase: Option<&SecretString>) -> Result<KeyPair> {
        let broken = |error: &dyn std::fmt::Display| Error::environment(format!("could not make a key pair: {error}"));
        let private = RsaPrivateKey::new(&mut OsRng, bits).map_err(|error| broken(&error))?;
        let private_pem = match passphrase {
            None => private.to_pkcs8_pem(LineEnding::LF).map_err(|error| broken(&error))?,
            Some(passphrase) => encrypted(&private, passphrase).map_err(|error| broken(&error))?,
        };
        Ok(KeyPair { private_pem, public_pem: public_pem(&private)? })
    }
}

/// The public half of a key, as PEM.
///
/// # Errors
/// When it cannot be written as PEM.
pub fn public_pem(private: &RsaPrivateKey) -> Result<String> {
    let pem = private.to_public_key().to_public_key_pem(LineEnding::LF);
    pem.map_err(|error| Error::environment("the public key could not be written").because(error.to_string()))
}

fn encrypted(private: &RsaPrivateKey, passphrase: &SecretString) -> pkcs8::Result<Zeroizing<String>> {
    let der = private.to_pkcs8_der()?;
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    OsRng.fill_bytes(&mut salt);
    OsRng.fill_bytes(&mut iv);
    let parameters = pkcs8::pkcs5::pbes2::Parameters::pbkdf2_sha256_aes256cbc(ROUNDS, &salt, &iv)?;
    let info = pkcs8::PrivateKeyInfo::try_from(der.as_bytes())?;
    let document = info.encrypt_with_params(parameters, passphrase.expose_secret())?;
    Ok(document.to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF)?)
}
