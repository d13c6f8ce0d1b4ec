//! Signed validation data, made ahead of need.
//!
//! A signature costs about a millisecond, more than everything else that a request does here, so threads of their own
//! keep a small stock of them and requests only take one. Each is used once: the provider refuses a string that it has
//! seen, so a request that is tried again takes another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use rand::Rng;
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use sha1::{Digest, Sha1};
use tokio::sync::{Mutex, mpsc};

use crate::planted::{Bug, is_planted};
use crate::{Error, Result};

/// More threads than this would make signatures faster than any provider takes requests.
const THREADS_MAX: usize = 4;

/// Validation data and its signature, for one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// `X-Validation-Data`.
    pub validation_data: String,
    /// `X-Signed-Request`.
    pub signed_request: String,
}

/// A stock of signatures, kept full by its own threads until it is dropped.
#[derive(Debug)]
pub struct Signer {
    ready: Mutex<mpsc::Receiver<Signature>>,
}

impl Signer {
    /// Starts to sign with `key`, up to `ahead` signatures ahead of need.
    ///
    /// # Errors
    /// When the key cannot sign, or the machine gives no thread.
    pub fn start(key: RsaPrivateKey, ahead: usize) -> Result<Signer> {
        // One at once: a key that cannot sign is found here, not in a thread.
        let first = sign(&key, validation_data(0))?;
        let (sender, receiver) = mpsc::channel(ahead.max(1));
        sender.try_send(first).expect("an empty channel takes one");
        let (key, counter) = (Arc::new(key), Arc::new(AtomicU64::new(1)));
        let threads = std::thread::available_parallelism().map_or(1, usize::from).clamp(1, THREADS_MAX);
        for number in 0..threads {
            let (key, counter, sender) = (Arc::clone(&key), Arc::clone(&counter), sender.clone());
            std::thread::Builder::new()
                .name(format!("signer-{number}"))
                .spawn(move || keep_stock(&key, &counter, &sender))
                .map_err(|error| Error::environment("a thread that signs could not be started").because(error))?;
        }
        Ok(Signer { ready: Mutex::new(receiver) })
    }

    /// A signature that nobody has used.
    pub async fn next(&self) -> Signature {
        let mut ready = self.ready.lock().await;
        ready.recv().await.expect("the threads sign until the signer is dropped")
    }
}

/// Signs until nobody takes signatures any more.
fn keep_stock(key: &RsaPrivateKey, counter: &AtomicU64, stock: &mpsc::Sender<Signature>) {
    loop {
        let number = counter.fetch_add(1, Ordering::Relaxed);
        let signature = sign(key, validation_data(number)).expect("a key that signed once signs again");
        if stock.blocking_send(signature).is_err() {
            return;
        }
    }
}

/// Time, counter and 128 random bits: unique within a run by the counter, between runs and machines by the rest.
fn validation_data(number: u64) -> String {
    if is_planted(Bug::NonceReused) {
        return "the-same-each-time".to_owned();
    }
    let random: u128 = rand::thread_rng().r#gen();
    format!("{:x}-{number:x}-{random:032x}", Utc::now().timestamp_micros())
}

/// RSA PKCS#1 v1.5 over SHA-1, in base64. Blinded: the time it takes tells nothing of the key.
fn sign(key: &RsaPrivateKey, validation_data: String) -> Result<Signature> {
    let digest = Sha1::digest(validation_data.as_bytes());
    let signature = key
        .sign_with_rng(&mut rand::thread_rng(), Pkcs1v15Sign::new::<Sha1>(), &digest)
        .map_err(|error| Error::job("the private key cannot sign").because(error))?;
    Ok(Signature { validation_data, signed_request: STANDARD.encode(signature) })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::provider::key;

    fn test_key() -> RsaPrivateKey {
        key::parse(include_str!("../../tests/fixtures/keys/rsa1024.pem"), None).expect("the fixture is a key")
    }

    #[test]
    fn signatures_verify_and_none_comes_twice() {
        let key = test_key();
        let public = key.to_public_key();
        let signer = Signer::start(key, 4).expect("it signs");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let made: Vec<Signature> = runtime.block_on(async {
            let mut made = Vec::new();
            for _ in 0..40 {
                made.push(signer.next().await);
            }
            made
        });
        let distinct: HashSet<&str> = made.iter().map(|signature| signature.validation_data.as_str()).collect();
        assert_eq!(distinct.len(), made.len());
        for signature in &made {
            let digest = Sha1::digest(signature.validation_data.as_bytes());
            let bytes = STANDARD.decode(&signature.signed_request).expect("base64");
            public.verify(Pkcs1v15Sign::new::<Sha1>(), &digest, &bytes).expect("it verifies");
        }
    }

    #[test]
    fn it_signs_as_openssl_does() {
        // openssl dgst -sha1 -sign tests/fixtures/keys/rsa1024.pem <(printf %s 1478508503.5145) | base64 -w0
        let signature = sign(&test_key(), "1478508503.5145".to_owned()).expect("it signs");
        assert_eq!(signature.signed_request, include_str!("../../tests/fixtures/keys/rsa1024.signature").trim());
    }
}
