//! `datapackage.json`: the tables of a report folder for programs that speak Frictionless Data Package: bytes, hashes,
//! types, keys and meanings. Paths of a package may not leave its folder, so the lake is not in it.

use serde_json::{Map, Value, json};

use super::manifest::{Manifest, ManifestFile};
use crate::record::sources::sources;
use crate::record::{Column, Dataset, Kind};

/// The file's name in the report folder.
pub(super) const FILE_NAME: &str = "datapackage.json";

/// The package of the manifest's tables; `None` when there are none. Nothing in it varies from run to run.
pub(super) fn of(manifest: &Manifest) -> Option<Vec<u8>> {
    let resources: Vec<Value> = manifest.files.iter().filter_map(resource).collect();
    if resources.is_empty() {
        return None;
    }
    let (from, to) = (&manifest.window.from, &manifest.window.to);
    let package = json!({
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": format!("{}-{from}-{to}", manifest.job),
        "title": format!("{} {from} to {to}", manifest.job),
        "description": "Money movements, balances by day and breaks, as tieout reported them.",
        "resources": resources,
    });
    let mut bytes = serde_json::to_vec_pretty(&package).expect("a package is plain data");
    bytes.push(b'\n');
    Some(bytes)
}

fn resource(file: &ManifestFile) -> Option<Value> {
    let dataset = Dataset::from_name(file.dataset.as_deref()?)?;
    Some(json!({
        "$schema": "https://datapackage.org/profiles/2.0/dataresource.json",
        "name": dataset.name,
        "title": dataset.meaning,
        "path": file.path,
        "type": "table",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": file.bytes,
        "hash": format!("sha256:{}", file.sha256),
        "rows": file.rows,
        "dialect": { "delimiter": ",", "lineTerminator": "\n", "quoteChar": "\"", "doubleQuote": true, "header": true },
        "schema": schema(dataset),
    }))
}

fn schema(dataset: &'static Dataset) -> Value {
    let fields: Vec<Value> = dataset.columns.iter().map(|column| field(dataset, column)).collect();
    let mut schema = json!({
        "$schema": "https://datapackage.org/profiles/2.0/tableschema.json",
        "fields": fields,
        "missingValues": [""],
        "key": dataset.key,
    });
    // A program that validates would refuse a row that the provider sent twice: that is a break, and reported as one.
    if dataset.is_key_unique {
        schema["primaryKey"] = json!(dataset.key);
    }
    schema
}

fn field(dataset: &Dataset, column: &Column) -> Value {
    let kind = match column.kind {
        Kind::Text => "string",
        Kind::Money | Kind::Rate => "number",
        Kind::Date => "date",
        Kind::Time => "datetime",
        Kind::Count => "integer",
    };
    let mut field = Map::new();
    field.insert("name".to_owned(), column.name.into());
    field.insert("type".to_owned(), kind.into());
    field.insert("description".to_owned(), column.meaning.into());
    // The empty text is a text, but reads as missing in CSV.
    if !column.nullable && column.kind != Kind::Text {
        field.insert("constraints".to_owned(), json!({ "required": true }));
    }
    let sources: Map<String, Value> =
        sources(dataset, column).iter().map(|source| (source.provider.to_owned(), source.field.into())).collect();
    if !sources.is_empty() {
        field.insert("sources".to_owned(), sources.into());
    }
    field.into()
}
