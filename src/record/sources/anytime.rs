//! Anytime's fields. The decoder tries them in this order; `not sent` is a column that this provider leaves empty.

use super::{Filled, Provider};

/// Of both kinds of statement.
const STATEMENT: &[(&str, &str)] = &[
    ("acc_id", "the account asked for"),
    ("txid", "`txid`"),
    ("booking_date", "the local day of `date`"),
    ("booked_at", "`date`"),
    ("amount", "`amount`, signed by `type` (C or Credit, D or Debit)"),
    ("currency", "`currency`"),
    ("balance_after", "`balance`, else `balance_after`"),
    ("status", "`status`, in our words"),
    ("provider_status", "`status`"),
    ("description", "`description`"),
    ("executed_at", "`executionDate`, else `execution_date`"),
    ("counterparty_iban", "`iban.iban`, else `iban`"),
    ("counterparty_bic", "`iban.swift`, else `swift`"),
    ("comment", "`comment`, else `iban.comment`"),
    ("virtual_iban", "`virtual_iban`, else `iban.virtual_iban`"),
];

/// Anytime.
pub(super) static PROVIDER: Provider = Provider {
    name: "anytime",
    document: "anytime-reference",
    datasets: &[
        Filled {
            dataset: "account_statements",
            route: "GET /v1.0/accounts/{acc_id}/statements, body.transactions[]",
            fields: STATEMENT,
        },
        Filled {
            dataset: "iban_statements",
            route: "GET /v1.0/accounts/{acc_id}/iban-statements, body.transactions[]",
            fields: STATEMENT,
        },
        Filled {
            dataset: "card_transactions",
            route: "GET /v1.0/cards/{card_ref}/transactions, body.transactions[]",
            fields: &[
                ("acc_id", "the account whose list of cards names the card"),
                ("card_ref", "the card asked for"),
                ("txid", "`txid`"),
                ("booking_date", "the local day of `date`"),
                ("booked_at", "`date`"),
                ("amount", "`amount`, signed by `type` (C or Credit, D or Debit)"),
                ("currency", "`currency` where it is the card's own, else the account's `acc_currency`"),
                ("balance_after", "`balance_after`"),
                ("status", "`status`, in our words"),
                ("provider_status", "`status`"),
                ("description", "`description`"),
                ("transacted_at", "`date_transaction`"),
                ("amount_fx", "`amount_fx`, signed by `type`"),
                ("currency_fx", "`currency` where it is not the card's own"),
                ("fx_rate", "`fx`"),
                ("fx_fee", "`fx_fee`"),
                ("mcc", "`mcc`"),
                ("vat_details", "`vat_details[].rate` and `vat_details[].amount`"),
                ("failed_code", "`failed_reason.code`"),
                ("failed_message", "`failed_reason.message`"),
            ],
        },
        Filled {
            dataset: "credit_transfers",
            route: "GET /v1.0/accounts/{acc_id}/credit-transfers, body.credit-transfers[]",
            fields: &[
                ("acc_id", "`sender_account_id`, else the account asked for"),
                ("internal_id", "`internal_id`"),
                ("booking_date", "`execution_date`, else `executionDate`, else `request_date`, else `creation_date`"),
                ("created_at", "`creation_date`"),
                ("requested_date", "`request_date`"),
                ("executed_date", "`execution_date`, else `executionDate`"),
                ("amount", "`amount`, made negative"),
                ("currency", "`currency`"),
                ("status", "`status`, in our words"),
                ("provider_status", "`status`"),
                ("transaction_type", "`transaction_type`"),
                ("execution_reference", "`execution_reference`"),
                ("beneficiary_name", "`beneficiary_name`"),
                ("beneficiary_iban", "`beneficiary_iban`"),
                ("beneficiary_bic", "`beneficiary_swift`, else `beneficiary_swift_code`"),
                ("reason", "`reason`"),
                ("source_reason", "`source_reason`"),
            ],
        },
    ],
};
