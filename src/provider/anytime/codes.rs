//! Every error code that the provider documents, and what to do about it.

/// A documented error.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// `error.code`: the HTTP status and four digits more.
    pub code: u32,
    /// The same as it is printed.
    pub text: &'static str,
    /// `error.exception`.
    pub exception: &'static str,
    /// What it says, in words.
    pub meaning: &'static str,
    /// What the operator should do.
    pub advice: &'static str,
    /// Whether the same request may pass later.
    pub retry: bool,
}

/// The token was replaced or ran out: the one refusal that is answered by renewing it.
pub const INVALID_TOKEN: u32 = 4_010_050;

/// Requests from this address are not let in.
pub const ADDRESS_NOT_ALLOWED: u32 = 4_010_060;
/// The signature does not fit the registered key.
pub const BAD_SIGNATURE: u32 = 4_010_070;
/// What was signed was used before.
pub const VALIDATION_DATA_USED: u32 = 4_010_080;

const BUG: &str = "tieout should not send such a request: please report it with the landed response in raw/_other";
const UPDATE: &str = "look for a newer tieout";
const WRITE: &str = "no request of tieout should lead to this: please report it with the landed response in raw/_other";
const RIGHTS: &str = "ask the provider to give this API user the right, or leave the feed out of the job";
const KYC: &str = "complete the identity check with the provider";
const GONE: &str = "run again: it may have been removed while it was being read";
const LATER: &str = "run again later; if it goes on, ask the provider";
const RATE: &str = "lower requests_per_second or concurrency in the job's [source]";

const fn code(
    code: u32,
    text: &'static str,
    exception: &'static str,
    meaning: &'static str,
    advice: &'static str,
    retry: bool,
) -> Code {
    Code { code, text, exception, meaning, advice, retry }
}

/// All documented errors, in the provider's order.
#[rustfmt::skip] // a table
#[allow(clippy::unreadable_literal, reason = "a code is searched for as it is printed")]
pub const CODES: [Code; 59] = [
    code(4000010, "4000010", "BadVersionFormatException", "the version in the URL is malformed", BUG, false),
    code(4000011, "4000011", "VersionNotSupportedException", "the provider no longer speaks version 1.0", UPDATE, false),
    code(4000050, "4000050", "DateStartGreaterThanDateEndFilterException", "the first day asked for is after the last",
        BUG, false),
    code(4000210, "4000210", "AccountInvalidParameterException", "a parameter of an account request is not accepted", BUG, false),
    code(4000220, "4000220", "AccountIdenticalSrcAndDstAccountIdException", "a transfer names the same account twice",
        WRITE, false),
    code(4000230, "4000230", "AccountIbanAlreadyExistsException", "the account has an IBAN already", WRITE, false),
    code(4000310, "4000310", "CardInvalidParameterException", "a parameter of a card request is not accepted", BUG, false),
    code(4010010, "4010010", "OAuth2AccessDeniedException", "access is denied",
        "check username, password, client_id and client_secret, and that the public key is registered", false),
    code(4010020, "4010020", "OAuth2InvalidRequestException", "the token request is not accepted",
        "check that client_id, client_secret, username and password are all set", false),
    code(4010030, "4010030", "OAuth2InvalidClientException", "the client is unknown or its secret is wrong",
        "check client_id and client_secret, and that they are those of this host (sandbox or production)", false),
    code(4010040, "4010040", "OAuth2InvalidGrantException", "the user is unknown or its password is wrong",
        "check username and password, and that they are those of this host (sandbox or production)", false),
    code(4010050, "4010050", "OAuth2InvalidTokenException", "the access token is no longer valid",
        "a new token makes the one before obsolete: is another program using the same API user?", false),
    code(4010060, "4010060", "IpAddressNotAllowedException", "requests from this address are not allowed",
        "add this machine's public address in the provider's developer zone", false),
    code(4010070, "4010070", "BadRsaSignatureException", "the signature does not fit the registered public key",
        "register the public half of private_key in the provider's developer zone: openssl rsa -in KEY -pubout", false),
    code(4010080, "4010080", "ValidationDataAlreadyUsedException", "the validation data were used before",
        "a proxy between here and the provider may be sending requests twice", true),
    code(4020210, "4020210", "AccountSrcNotEnoughCreditException", "the account has not enough money", WRITE, false),
    code(4020220, "4020220", "AccountBalanceTooLowException", "the account's balance is too low", WRITE, false),
    code(4020320, "4020320", "CardBalanceTooLowException", "the card's balance is too low", WRITE, false),
    code(4020321, "4020321", "CardBalanceTooHighException", "the card's balance is too high", WRITE, false),
    code(4030020, "4030020", "SubEnvironmentAccessDeniedException", "the sub-environment is closed to this user", RIGHTS, false),
    code(4030030, "4030030", "FunctionalityNotAllowedException", "this function is closed to this user", RIGHTS, false),
    code(4030210, "4030210", "AccountIdNoRightsException", "this user has no rights on the account", RIGHTS, false),
    code(4030211, "4030211", "AccountIdPartnerNoRightsException", "the partner has no rights on the account", RIGHTS, false),
    code(4030220, "4030220", "AccountIbanIncompleteKYCException", "the account's identity check is not complete", KYC, false),
    code(4030212, "4030212", "AccountBadTypeException", "the account is of another type than this function needs",
        "leave the feed out of the job, or ask the provider which accounts have it", false),
    code(4030221, "4030221", "AccountIbanNotCreatedException", "the account has no IBAN yet",
        "leave iban_statements out of the job until the account has an IBAN", false),
    code(4030310, "4030310", "CardAccountNoRightsException", "this user has no rights on the card's account", RIGHTS, false),
    code(4030320, "4030320", "CardNotActivatedException", "the card is not activated", WRITE, false),
    code(4030330, "4030330", "CardLoadAmountTooLowException", "the amount to load is too low", WRITE, false),
    code(4030331, "4030331", "CardLoadAmountTooHighException", "the amount to load is too high", WRITE, false),
    code(4030350, "4030350", "CardCancelledNoActionException", "the card is cancelled", RIGHTS, false),
    code(4030360, "4030360", "CardBadCardTypeException", "the card is of another type than this function needs", RIGHTS, false),
    code(4030365, "4030365", "CardBadStatusUpdateException", "the card cannot take that status", WRITE, false),
    code(4030370, "4030370", "CardAccountCannotOrderVirtualCardsException", "the account cannot order virtual cards",
        WRITE, false),
    code(4030380, "4030380", "CardGetPinBadCvcException", "the CVC does not fit", WRITE, false),
    code(4030390, "4030390", "CardUpdateCardUpdateMissingHolderDataException", "the card holder's data are missing", WRITE, false),
    code(4030410, "4030410", "OrderIdNoRightsException", "this user has no rights on the order", RIGHTS, false),
    code(4040010, "4040010", "InvalidRouteException", "the provider knows no such route",
        "check base_url: it ends before /oauth and /v1.0", false),
    code(4040210, "4040210", "AccountStatementNotFoundException", "the account has no such statement", GONE, false),
    code(4040310, "4040310", "CardStatementNotFoundException", "the card has no such statement", GONE, false),
    code(4040410, "4040410", "OrderNoAvailableTrackingDataException", "the order cannot be tracked", WRITE, false),
    code(4050010, "4050010", "MethodNotAllowedException", "the route does not take this method", BUG, false),
    code(4080010, "4080010", "BankingNetworkTimeoutException", "the banking network did not answer in time", LATER, true),
    code(4290010, "4290010", "MaxQueryRateByIpReachedException", "too many requests from this address", RATE, true),
    code(4290020, "4290020", "MaxQueryRateByFunctionalityReachedException", "too many requests to this function", RATE, true),
    code(4290030, "4290030", "MaxQueryRateByApiUserReachedException", "too many requests by this user", RATE, true),
    code(4290310, "4290310", "CardMaxLoadPerDayException", "the card's loads of a day are used up", WRITE, false),
    code(4290311, "4290311", "CardMaxLoadPerMonthException", "the card's loads of a month are used up", WRITE, false),
    code(4290312, "4290312", "CardMaxLoadPerYearException", "the card's loads of a year are used up", WRITE, false),
    code(4290313, "4290313", "CardMaxLoadPerFourDaysException", "the card's loads of four days are used up", WRITE, false),
    code(4290314, "4290314", "CardMaxLoadPerWeekException", "the card's loads of a week are used up", WRITE, false),
    code(4290320, "4290320", "CardLoadCapacityException", "the card cannot be loaded further", WRITE, false),
    code(4290330, "4290330", "CardMaxAllowedOrderReachedException", "no further card can be ordered", WRITE, false),
    code(4290331, "4290331", "CardMaxAllowedOrderReachedForSubAccountException", "no further card can be ordered for the sub-account",
        WRITE, false),
    code(4510210, "4510210", "AccountCreditTransferKycUploadRequiredException", "documents on the account must be sent in first",
        KYC, false),
    code(4510310, "4510310", "CardCreditSingleUseUnavailableException", "single-use cards cannot be loaded now", WRITE, false),
    code(4510320, "4510320", "CardOrderKycUploadRequiredException", "documents for the card must be sent in first", KYC, false),
    code(4510330, "4510330", "CardLoadKycUploadRequiredException", "documents for the load must be sent in first", KYC, false),
    code(5000010, "5000010", "UnknownException", "something went wrong on the provider's side", LATER, true),
];

/// The documented error of that code.
pub fn find(code: u32) -> Option<&'static Code> {
    CODES.iter().find(|known| known.code == code)
}

/// Whether a request that was refused with this HTTP status and code may pass later. An unknown code says nothing, so
/// the status decides.
pub fn may_pass_later(status: u16, code: Option<u32>) -> bool {
    match code.and_then(find) {
        Some(known) => known.retry,
        None => matches!(status, 408 | 429 | 500..=599),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rates_faults_of_the_provider_and_what_is_made_anew_pass() {
        let passing: Vec<u32> = CODES.iter().filter(|known| known.retry).map(|known| known.code).collect();
        assert_eq!(passing, [VALIDATION_DATA_USED, 4_080_010, 4_290_010, 4_290_020, 4_290_030, 5_000_010]);
        assert!(!may_pass_later(429, Some(4_290_310)), "a business limit");
        assert!(may_pass_later(429, None) && may_pass_later(503, None) && may_pass_later(500, Some(5_999_999)));
        assert!(!may_pass_later(404, None) && !may_pass_later(400, Some(4_009_999)) && !may_pass_later(451, None));
    }

    #[test]
    fn every_code_begins_with_a_status_and_stands_once() {
        for (index, known) in CODES.iter().enumerate() {
            assert!((400..=500).contains(&(known.code / 10_000)), "{known:?}");
            assert!(known.exception.ends_with("Exception"));
            assert!(CODES[..index].iter().all(|before| before.code != known.code), "{known:?}");
        }
    }
}
