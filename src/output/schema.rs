//! `schemas/<dataset>.json`: a JSON Schema of a row as CSV spells it, which also tells the Arrow and Parquet types.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::columns::{DECIMAL_PRECISION, MONEY_SCALE, RATE_SCALE, data_type};
use crate::record::sources::sources;
use crate::record::{Column, Dataset, Kind};

/// The schema of a dataset. It serialises to a JSON Schema (2020-12) of a row whose cells are spelled as in CSV; what
/// JSON Schema has no word for stands under keys that begin with `x-`.
#[derive(Debug, Serialize)]
pub struct SchemaDocument {
    #[serde(rename = "$schema")]
    dialect: &'static str,
    #[serde(rename = "$id")]
    id: String,
    title: &'static str,
    description: &'static str,
    r#type: &'static str,
    properties: Properties,
    required: Vec<&'static str>,
    #[serde(rename = "additionalProperties")]
    additional_properties: bool,
    #[serde(rename = "x-key")]
    key: &'static [&'static str],
    /// Whether no two rows can share a key.
    #[serde(rename = "x-key-unique")]
    is_key_unique: bool,
    /// JSON objects have no order; this is the one of CSV and Parquet.
    #[serde(rename = "x-columns")]
    columns: Vec<&'static str>,
    #[serde(rename = "x-csv")]
    csv: String,
    #[serde(rename = "x-lake")]
    lake: Option<String>,
}

/// Columns as an object, in their order.
#[derive(Debug)]
struct Properties(Vec<(&'static str, Property)>);

/// What a column holds.
#[derive(Debug, Serialize)]
pub struct Property {
    r#type: CellType,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<String>,
    description: &'static str,
    /// Whether the cell may be empty.
    #[serde(rename = "x-nullable")]
    pub nullable: bool,
    /// The type in CSV.
    #[serde(rename = "x-csv-type")]
    pub csv: &'static str,
    /// The type in Arrow, as pyarrow spells it.
    #[serde(rename = "x-arrow-type")]
    pub arrow: String,
    /// The types in Parquet.
    #[serde(rename = "x-parquet-type")]
    pub parquet: ParquetType,
    /// Where it comes from, by provider.
    #[serde(rename = "x-sources", skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<&'static str, &'static str>,
}

/// How JSON Schema names the type of a cell.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum CellType {
    Required(&'static str),
    Nullable([&'static str; 2]),
}

/// A column's type in Parquet.
#[derive(Debug, Serialize)]
pub struct ParquetType {
    /// The physical type.
    pub physical: &'static str,
    /// The logical type, null where the physical says it all.
    pub logical: Option<String>,
}

impl Serialize for Properties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, property) in &self.0 {
            map.serialize_entry(name, property)?;
        }
        map.end()
    }
}

impl SchemaDocument {
    /// The schema of a dataset, from its declaration.
    pub fn of(dataset: &'static Dataset) -> SchemaDocument {
        let name = dataset.name;
        let names = |wanted: fn(&&Column) -> bool| dataset.columns.iter().filter(wanted).map(|column| column.name);
        SchemaDocument {
            dialect: "https://json-schema.org/draft/2020-12/schema",
            id: format!("urn:tieout:schema:{name}"),
            title: name,
            description: dataset.meaning,
            r#type: "object",
            properties: Properties(
                dataset.columns.iter().map(|column| (column.name, Property::of(dataset, column))).collect(),
            ),
            required: names(|column| !column.nullable).collect(),
            additional_properties: false,
            key: dataset.key,
            is_key_unique: dataset.is_key_unique,
            columns: names(|_| true).collect(),
            csv: format!("reports/<job>/<from>_<to>/{name}.csv"),
            lake: dataset.in_lake.then(|| format!("lake/{name}/booking_date=YYYY-MM-DD/{name}.parquet")),
        }
    }

    /// The text of `schemas/<dataset>.json`.
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self).expect("a schema is plain data");
        json.push('\n');
        json
    }
}

impl Property {
    /// What a column of the dataset holds, from its declaration.
    pub fn of(dataset: &Dataset, column: &Column) -> Property {
        let (cell, csv, format, pattern) = match column.kind {
            Kind::Text => ("string", "text", None, None),
            Kind::Money => ("string", "decimal", None, Some(decimal_pattern(MONEY_SCALE))),
            Kind::Rate => ("string", "decimal", None, Some(decimal_pattern(RATE_SCALE))),
            Kind::Date => ("string", "date", Some("date"), None),
            Kind::Time => ("string", "date-time", Some("date-time"), None),
            Kind::Count => ("integer", "integer", None, None),
        };
        Property {
            r#type: if column.nullable { CellType::Nullable([cell, "null"]) } else { CellType::Required(cell) },
            format,
            pattern,
            description: column.meaning,
            nullable: column.nullable,
            csv,
            arrow: arrow_name(column.kind),
            parquet: ParquetType::of(column.kind),
            sources: sources(dataset, column).into_iter().map(|source| (source.provider, source.field)).collect(),
        }
    }
}

impl ParquetType {
    fn of(kind: Kind) -> ParquetType {
        let (physical, logical) = match kind {
            Kind::Text => ("BYTE_ARRAY", Some("STRING".to_owned())),
            Kind::Money => ("INT64", Some(format!("DECIMAL({DECIMAL_PRECISION},{MONEY_SCALE})"))),
            Kind::Rate => ("INT64", Some(format!("DECIMAL({DECIMAL_PRECISION},{RATE_SCALE})"))),
            Kind::Date => ("INT32", Some("DATE".to_owned())),
            Kind::Time => ("INT64", Some("TIMESTAMP(MICROS,UTC)".to_owned())),
            Kind::Count => ("INT64", None),
        };
        ParquetType { physical, logical }
    }
}

fn decimal_pattern(scale: i8) -> String {
    format!("^-?[0-9]+(\\.[0-9]{{1,{scale}}})?$")
}

fn arrow_name(kind: Kind) -> String {
    use arrow_schema::{DataType, TimeUnit};
    match data_type(kind) {
        DataType::Utf8 => "string".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal128({precision}, {scale})"),
        DataType::Date32 => "date32[day]".to_owned(),
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) => format!("timestamp[us, tz={zone}]"),
        DataType::Int64 => "int64".to_owned(),
        other => other.to_string(),
    }
}

/// Set it to write the files anew after a change of the declaration.
#[cfg(test)]
const REWRITE: &str = "TIEOUT_REWRITE_SCHEMAS";

/// Compares a file that is made from the declaration with what is checked in, or writes it anew.
#[cfg(test)]
pub(crate) fn assert_checked_in(path: &std::path::Path, text: &str) {
    if std::env::var_os(REWRITE).is_some() {
        std::fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("schemas/ can be written");
        std::fs::write(path, text).expect("schemas/ can be written");
    }
    let checked_in = std::fs::read_to_string(path).unwrap_or_default();
    let (path, hint) = (path.display(), format!("{REWRITE}=1 cargo test --lib schema"));
    assert!(checked_in == text, "{path} is out of date: {hint}");
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::record::dataset;

    #[test]
    fn the_checked_in_schemas_are_those_of_the_declaration() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
        for dataset in dataset::ALL {
            assert_checked_in(&folder.join(format!("{}.json", dataset.name)), &SchemaDocument::of(dataset).to_json());
        }
    }

    #[test]
    fn every_column_is_a_property_in_order() {
        for dataset in dataset::ALL {
            let json: serde_json::Value = serde_json::from_str(&SchemaDocument::of(dataset).to_json()).expect("JSON");
            let columns: Vec<&str> = dataset.columns.iter().map(|column| column.name).collect();
            assert_eq!(json["x-columns"], serde_json::json!(columns));
            for column in dataset.columns {
                assert_eq!(json["properties"][column.name]["description"], column.meaning);
                let required = json["required"].as_array().expect("a list").contains(&column.name.into());
                assert_eq!(required, !column.nullable, "{}.{}", dataset.name, column.name);
            }
            assert!(dataset.key.iter().all(|key| columns.contains(key)), "{}", dataset.name);
        }
    }
}
