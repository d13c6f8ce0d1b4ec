//! The data dictionary.
