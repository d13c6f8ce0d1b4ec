//! Where a hook is: often as good as a password, so it never shows.

use std::fmt;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use crate::provider::http::is_loopback;

/// The address of a healthcheck or webhook.
#[derive(Clone)]
pub struct Address(Url);

impl Address {
    /// Reads an address: https, or http on the loopback.
    ///
    /// # Errors
    /// When it is none; the text says why without showing it.
    pub fn parse(text: &str) -> Result<Address, String> {
        let url = Url::parse(text).map_err(|error| error.to_string())?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it holds a user name or password".to_owned());
        }
        match url.scheme() {
            "https" => Ok(Address(url)),
            "http" if is_loopback(&url) => Ok(Address(url)),
            "http" => Err("it begins with http://, and would travel in clear".to_owned()),
            _ => Err("it does not begin with https://".to_owned()),
        }
    }

    /// Its host, which may be shown.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or("no host")
    }

    /// The address with one more part to its path.
    pub(super) fn below(&self, part: &str) -> Address {
        let mut url = self.0.clone();
        let path = format!("{}/{part}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Address(url)
    }

    pub(super) fn url(&self) -> Url {
        self.0.clone()
    }

    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.host())
    }
}

/// What a bearer of `token` sends.
pub(super) fn bearer(token: &SecretString) -> SecretString {
    SecretString::from(format!("Bearer {}", token.expose_secret()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_goes_to_the_end_of_the_path() {
        let below = |text: &str| Address::parse(text).expect("an address").below("start").0.to_string();
        assert_eq!(below("https://hc.example/ping/1234"), "https://hc.example/ping/1234/start");
        assert_eq!(below("https://hc.example/ping/1234/?create=1"), "https://hc.example/ping/1234/start?create=1");
    }

    #[test]
    fn an_address_shows_its_host_alone() {
        let address = Address::parse("https://hooks.example/canary?canary=1").expect("an address");
        assert_eq!(format!("{address:?}"), "Address(hooks.example)");
        for bad in ["http://hooks.example/canary", "ftp://x/canary", "canary", "https://canary:canary@hooks.example"] {
            let why = Address::parse(bad).expect_err("no address to be asked");
            assert!(!why.contains("canary"), "{why}");
        }
    }
}
