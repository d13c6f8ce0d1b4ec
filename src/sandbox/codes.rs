//! The provider's error codes, as its reference lists them.

/// A refusal in the provider's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The provider's code; its first three digits are the status.
    pub code: u32,
    /// Name of the exception.
    pub exception: &'static str,
    /// The message.
    pub message: &'static str,
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $status:literal $code:literal, $exception:literal, $message:literal;)*) => {
        $($(#[$doc])* pub const $name: Refusal = Refusal {
            status: $status,
            code: $code,
            exception: $exception,
            message: $message,
        };)*
        /// All refusals that the sandbox knows.
        pub const ALL: &[Refusal] = &[$($name),*];
    };
}

refusals! {
    /// `/vX/…`
    BAD_VERSION = 400 4_000_010, "BadVersionFormatException", "The version format is not valid.";
    /// `/v2.0/…`
    VERSION_NOT_SUPPORTED = 400 4_000_011, "VersionNotSupportedException", "This version is not supported.";
    /// `date_start` after `date_end`.
    DATES_REVERSED = 400 4_000_050, "DateStartGreaterThanDateEndFilterException", "The start date is greater than the end date.";
    /// A parameter of an account's route makes no sense.
    ACCOUNT_PARAMETER = 400 4_000_210, "AccountInvalidParameterException", "Invalid parameter.";
    /// A parameter of a card's route makes no sense.
    CARD_PARAMETER = 400 4_000_310, "CardInvalidParameterException", "Invalid parameter.";
    /// Nothing to identify by.
    ACCESS_DENIED = 401 4_010_010, "OAuth2AccessDeniedException", "Access denied. You have to provide valid authentication information.";
    /// A token request without what it needs.
    INVALID_REQUEST = 401 4_010_020, "OAuth2InvalidRequestException", "The request is missing a required parameter.";
    /// Wrong client id or secret.
    INVALID_CLIENT = 401 4_010_030, "OAuth2InvalidClientException", "The client credentials are invalid.";
    /// Wrong user name or password.
    INVALID_GRANT = 401 4_010_040, "OAuth2InvalidGrantException", "Invalid username and password combination.";
    /// No token, an unknown, an obsolete or an expired one.
    INVALID_TOKEN = 401 4_010_050, "OAuth2InvalidTokenException", "The access token provided is invalid or has expired.";
    /// An address that is not on the user's list.
    IP_NOT_ALLOWED = 401 4_010_060, "IpAddressNotAllowedException", "The IP address is not allowed.";
    /// The signature is not that of the registered key.
    BAD_SIGNATURE = 401 4_010_070, "BadRsaSignatureException", "The RSA signature is not valid.";
    /// Validation data used before.
    VALIDATION_DATA_USED = 401 4_010_080, "ValidationDataAlreadyUsedException", "The validation data has already been used.";
    /// A function that is not this user's.
    FUNCTION_NOT_ALLOWED = 403 4_030_030, "FunctionalityNotAllowedException", "You are not allowed to use this functionality.";
    /// An account that is not this user's.
    ACCOUNT_NO_RIGHTS = 403 4_030_210, "AccountIdNoRightsException", "You do not have the rights on this account.";
    /// A card that is not this user's.
    CARD_NO_RIGHTS = 403 4_030_310, "CardAccountNoRightsException", "You do not have the rights on this card.";
    /// No such route.
    INVALID_ROUTE = 404 4_040_010, "InvalidRouteException", "The route does not exist.";
    /// No such statement line.
    STATEMENT_NOT_FOUND = 404 4_040_210, "AccountStatementNotFoundException", "The statement does not exist.";
    /// No such card transaction.
    TRANSACTION_NOT_FOUND = 404 4_040_310, "CardStatementNotFoundException", "The statement does not exist.";
    /// A route that does not know the method.
    METHOD_NOT_ALLOWED = 405 4_050_010, "MethodNotAllowedException", "The method is not allowed for this route.";
    /// Their banking network took too long.
    TIMEOUT = 408 4_080_010, "BankingNetworkTimeoutException", "The banking network did not answer in time.";
    /// Too many requests from one address.
    RATE_BY_IP = 429 4_290_010, "MaxQueryRateByIpReachedException", "The maximum query rate has been reached.";
    /// Too many requests of one kind.
    RATE_BY_FUNCTIONALITY = 429 4_290_020, "MaxQueryRateByFunctionalityReachedException", "The maximum query rate has been reached.";
    /// Too many requests of one user.
    RATE_BY_USER = 429 4_290_030, "MaxQueryRateByApiUserReachedException", "The maximum query rate has been reached.";
    /// A business limit that waiting does not lift.
    LOADS_PER_DAY = 429 4_290_310, "CardMaxLoadPerDayException", "The maximum number of loads per day has been reached.";
    /// A business limit that waiting does not lift.
    LOAD_CAPACITY = 429 4_290_320, "CardLoadCapacityException", "The load capacity of the card has been reached.";
    /// Something is wrong on their side.
    UNKNOWN = 500 5_000_010, "UnknownException", "An unknown error occurred.";
}

/// The refusal of that code.
pub fn by_code(code: u32) -> Option<Refusal> {
    ALL.iter().copied().find(|refusal| refusal.code == code)
}

/// The refusal that goes with a bare status, if the provider documents one.
pub fn by_status(status: u16) -> Option<Refusal> {
    match status {
        401 => Some(INVALID_TOKEN),
        403 => Some(ACCOUNT_NO_RIGHTS),
        404 => Some(INVALID_ROUTE),
        408 => Some(TIMEOUT),
        429 => Some(RATE_BY_USER),
        500 => Some(UNKNOWN),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_begins_with_its_status() {
        assert!(ALL.iter().all(|refusal| refusal.code / 10_000 == u32::from(refusal.status)));
    }
}
