//! PEM text, with the headers that OpenSSL's traditional encryption writes (`Proc-Type: 4,ENCRYPTED`), and that
//! encryption undone.
//!
//! No well-kept crate reads this form. It derives a key by one round of MD5 and does not notice a changed byte: good
//! enough only to read keys that exist.

use aes::{Aes128, Aes192, Aes256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockDecryptMut, KeyIvInit};
use des::TdesEde3;
use md5::{Digest, Md5};
use zeroize::Zeroizing;

/// One block between `-----BEGIN` and `-----END`.
#[derive(Debug)]
pub(super) struct Block {
    /// What it says it is, such as `RSA PRIVATE KEY`.
    pub label: String,
    /// The cipher and its initial vector, when the block is encrypted in the traditional way.
    pub encryption: Option<Encryption>,
    /// The bytes, still encrypted if they are.
    pub bytes: Zeroizing<Vec<u8>>,
}

/// `DEK-Info`.
#[derive(Debug)]
pub(super) struct Encryption {
    /// OpenSSL's name of the cipher.
    pub cipher: String,
    /// Its initial vector, whose first 8 bytes are the salt too.
    pub iv: Vec<u8>,
}

/// Why a block could not be decrypted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DecryptError {
    /// A cipher that is not read here.
    UnknownCipher,
    /// The passphrase does not fit, or bytes are missing.
    WrongPassphrase,
}

/// The blocks of a PEM text, in order. Text around them is skipped; a block that is damaged is an error that says how.
pub(super) fn blocks(text: &str) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if let Some(label) = line.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----")) {
            blocks.push(block(label, &mut lines)?);
        }
    }
    Ok(blocks)
}

fn block<'t>(label: &str, lines: &mut impl Iterator<Item = &'t str>) -> Result<Block, String> {
    let end = format!("-----END {label}-----");
    let (mut encryption, mut packed) = (None, Zeroizing::new(String::new()));
    for line in lines {
        if line == end {
            let bytes = STANDARD.decode(packed.as_bytes()).map_err(|_| format!("the block '{label}' is not base64"))?;
            return Ok(Block { label: label.to_owned(), encryption, bytes: Zeroizing::new(bytes) });
        }
        match line.split_once(':') {
            Some(("DEK-Info", info)) => encryption = Some(dek_info(info.trim())?),
            Some(_) => {}
            None => packed.push_str(line),
        }
    }
    Err(format!("the block '{label}' has no end line"))
}

fn dek_info(info: &str) -> Result<Encryption, String> {
    let (cipher, iv) = info.split_once(',').ok_or("the DEK-Info header names no initial vector")?;
    let iv = hex_bytes(iv.trim()).ok_or("the initial vector in the DEK-Info header is not hexadecimal")?;
    Ok(Encryption { cipher: cipher.trim().to_owned(), iv })
}

fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

impl Encryption {
    /// Decrypts `bytes`.
    pub(super) fn decrypt(&self, passphrase: &[u8], bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        match self.cipher.as_str() {
            "DES-EDE3-CBC" => self.decrypt_with::<cbc::Decryptor<TdesEde3>>(24, passphrase, bytes),
            "AES-128-CBC" => self.decrypt_with::<cbc::Decryptor<Aes128>>(16, passphrase, bytes),
            "AES-192-CBC" => self.decrypt_with::<cbc::Decryptor<Aes192>>(24, passphrase, bytes),
            "AES-256-CBC" => self.decrypt_with::<cbc::Decryptor<Aes256>>(32, passphrase, bytes),
            _ => Err(DecryptError::UnknownCipher),
        }
    }

    fn decrypt_with<C: KeyIvInit + BlockDecryptMut>(
        &self,
        key_bytes: usize,
        passphrase: &[u8],
        bytes: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        let salt = self.iv.get(..8).ok_or(DecryptError::UnknownCipher)?;
        let key = bytes_to_key(passphrase, salt, key_bytes);
        let cipher = C::new_from_slices(&key, &self.iv).map_err(|_| DecryptError::UnknownCipher)?;
        cipher.decrypt_padded_vec_mut::<Pkcs7>(bytes).map(Zeroizing::new).map_err(|_| DecryptError::WrongPassphrase)
    }
}

/// OpenSSL's `EVP_BytesToKey` with MD5 and one round.
fn bytes_to_key(passphrase: &[u8], salt: &[u8], wanted: usize) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(wanted + 16));
    while key.len() < wanted {
        let mut hash = Md5::new();
        hash.update(&key[key.len().saturating_sub(16)..]);
        hash.update(passphrase);
        hash.update(salt);
        let digest = hash.finalize();
        key.extend_from_slice(&digest);
    }
    key.truncate(wanted);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_around_blocks_is_skipped() {
        let text =
            "Bag Attributes\n-----BEGIN A-----\nAAEC\r\n-----END A-----\n\n-----BEGIN B-----\nAw==\n-----END B-----";
        let found: Vec<(String, Vec<u8>)> =
            blocks(text).expect("two blocks").into_iter().map(|b| (b.label, b.bytes.to_vec())).collect();
        assert_eq!(found, [("A".to_owned(), vec![0, 1, 2]), ("B".to_owned(), vec![3])]);
    }

    #[test]
    fn damage_is_told() {
        for (text, complaint) in [
            ("-----BEGIN A-----\nAAEC\n", "no end line"),
            ("-----BEGIN A-----\n!!\n-----END A-----", "not base64"),
            ("-----BEGIN A-----\nDEK-Info: AES-128-CBC\n\nAAEC\n-----END A-----", "no initial vector"),
            ("-----BEGIN A-----\nDEK-Info: AES-128-CBC,XY\n\nAAEC\n-----END A-----", "not hexadecimal"),
            ("-----BEGIN A-----\nDEK-Info: AES-128-CBC,ABC\n\nAAEC\n-----END A-----", "not hexadecimal"),
        ] {
            let error = blocks(text).expect_err("a damaged block");
            assert!(error.contains(complaint), "{error}");
        }
    }

    #[test]
    fn an_initial_vector_of_the_wrong_length_is_no_panic() {
        for iv in [vec![], vec![0; 7], vec![0; 9]] {
            let encryption = Encryption { cipher: "AES-128-CBC".to_owned(), iv };
            assert_eq!(encryption.decrypt(b"x", &[0; 16]), Err(DecryptError::UnknownCipher));
        }
    }
}
