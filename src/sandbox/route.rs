//! The routes of the provider.

use super::codes::{self, Refusal};

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route<'a> {
    Token,
    ApiCheck,
    Accounts,
    Account { acc_id: &'a str },
    Balance { acc_id: &'a str },
    Cards { acc_id: &'a str },
    Statements { acc_id: &'a str },
    Statement { acc_id: &'a str, txid: &'a str },
    IbanStatements { acc_id: &'a str },
    CreditTransfers { acc_id: &'a str },
    Card { card_ref: &'a str },
    Transactions { card_ref: &'a str },
    Transaction { card_ref: &'a str, txid: &'a str },
}

impl<'a> Route<'a> {
    /// Finds the route of a method and path.
    pub(super) fn find(method: &str, path: &'a str) -> Result<Route<'a>, Refusal> {
        let route = if path == "/oauth/v2/token" { Route::Token } else { Route::versioned(path)? };
        let wanted = if route == Route::Token { "POST" } else { "GET" };
        if method == wanted { Ok(route) } else { Err(codes::METHOD_NOT_ALLOWED) }
    }

    fn versioned(path: &'a str) -> Result<Route<'a>, Refusal> {
        let rest = path.strip_prefix("/v").ok_or(codes::INVALID_ROUTE)?;
        let (version, rest) = rest.split_once('/').ok_or(codes::INVALID_ROUTE)?;
        let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match version.split_once('.') {
            _ if version == "1.0" => Route::of_segments(&rest.split('/').collect::<Vec<_>>()),
            Some((major, minor)) if number(major) && number(minor) => Err(codes::VERSION_NOT_SUPPORTED),
            _ => Err(codes::BAD_VERSION),
        }
    }

    fn of_segments(segments: &[&'a str]) -> Result<Route<'a>, Refusal> {
        if segments.iter().any(|segment| segment.is_empty()) {
            return Err(codes::INVALID_ROUTE);
        }
        Ok(match *segments {
            ["apicheck"] => Route::ApiCheck,
            ["accounts"] => Route::Accounts,
            ["accounts", acc_id] => Route::Account { acc_id },
            ["accounts", acc_id, "balance"] => Route::Balance { acc_id },
            ["accounts", acc_id, "cards"] => Route::Cards { acc_id },
            ["accounts", acc_id, "statements"] => Route::Statements { acc_id },
            ["accounts", acc_id, "statements", txid] => Route::Statement { acc_id, txid },
            ["accounts", acc_id, "iban-statements"] => Route::IbanStatements { acc_id },
            ["accounts", acc_id, "credit-transfers"] => Route::CreditTransfers { acc_id },
            ["cards", card_ref] => Route::Card { card_ref },
            ["cards", card_ref, "transactions"] => Route::Transactions { card_ref },
            ["cards", card_ref, "transactions", txid] => Route::Transaction { card_ref, txid },
            _ => return Err(codes::INVALID_ROUTE),
        })
    }

    /// The account whose list it is.
    pub(super) fn acc_id(self) -> Option<&'a str> {
        match self {
            Route::Cards { acc_id }
            | Route::Statements { acc_id }
            | Route::IbanStatements { acc_id }
            | Route::CreditTransfers { acc_id } => Some(acc_id),
            _ => None,
        }
    }

    /// The refusal of a parameter that makes no sense.
    pub(super) fn parameter_refusal(self) -> Refusal {
        match self {
            Route::Card { .. } | Route::Transactions { .. } | Route::Transaction { .. } => codes::CARD_PARAMETER,
            _ => codes::ACCOUNT_PARAMETER,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_found_by_method_and_path() {
        let get = |path| Route::find("GET", path);
        assert_eq!(get("/v1.0/accounts/7/iban-statements"), Ok(Route::IbanStatements { acc_id: "7" }));
        assert_eq!(get("/v1.0/cards/A/transactions/9"), Ok(Route::Transaction { card_ref: "A", txid: "9" }));
        assert_eq!(Route::find("POST", "/oauth/v2/token"), Ok(Route::Token));
    }

    #[test]
    fn what_is_no_route_is_refused_with_its_code() {
        for (method, path, code) in [
            ("GET", "/", 4_040_010),
            ("GET", "/v1.0/nothing", 4_040_010),
            ("GET", "/v1.0/accounts/", 4_040_010),
            ("GET", "/v1.0/accounts//cards", 4_040_010),
            ("GET", "/v2.0/accounts", 4_000_011),
            ("GET", "/vx/accounts", 4_000_010),
            ("DELETE", "/v1.0/accounts", 4_050_010),
            ("GET", "/oauth/v2/token", 4_050_010),
        ] {
            assert_eq!(Route::find(method, path).map_err(|refusal| refusal.code), Err(code), "{method} {path}");
        }
    }
}
