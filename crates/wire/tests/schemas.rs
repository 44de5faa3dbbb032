//! The schema files, the AsyncAPI document, the examples and the Rust types say the same, both ways.

mod support;

use std::collections::BTreeSet;
use std::path::PathBuf;

use auscult_wire::ErrorCode;
use auscult_wire::asyncapi::asyncapi_document;
use auscult_wire::schema::{Contract, contracts, envelope_schema, pretty, schema_files};
use auscult_wire::shape::{RecordShape, Shape};
use jsonschema::Validator;
use serde_json::Value;
use support::{as_record, examples, pruned, reread, schemas_folder, type_and_data};

fn validator(schema: &Value) -> Validator {
    jsonschema::options()
        .should_validate_formats(true)
        .build(schema)
        .expect("a valid schema")
}

fn contract_of(kind: &str) -> Contract {
    contracts()
        .into_iter()
        .find(|contract| contract.types.contains(&kind))
        .unwrap_or_else(|| panic!("no contract carries {kind}"))
}

/// Compares a file with what the types say; `AUSCULT_BLESS=1` writes it.
fn assert_file(path: PathBuf, expected: &str) {
    if std::env::var_os("AUSCULT_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("folder")).expect("folder");
        std::fs::write(&path, expected).expect("write");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "{} differs from the Rust types; if the contract is meant to change, run AUSCULT_BLESS=1 cargo test -p auscult-wire and review the diff",
        path.display()
    );
}

#[test]
fn schema_files_are_those_of_the_types() {
    let files = schema_files();
    for (name, text) in &files {
        assert_file(schemas_folder().join(name), text);
    }
    let known: BTreeSet<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    for entry in std::fs::read_dir(schemas_folder()).expect("schemas") {
        let name = entry
            .expect("entry")
            .file_name()
            .to_string_lossy()
            .into_owned();
        assert!(
            !name.ends_with(".schema.json") || known.contains(name.as_str()),
            "{name} belongs to no type"
        );
    }
}

#[test]
fn error_codes_document_is_that_of_the_codes() {
    let path = schemas_folder().join("../docs/error-codes.md");
    assert_file(path, &auscult_wire::error::error_codes_document());
    for code in ErrorCode::ALL {
        assert_eq!(ErrorCode::parse(code.as_str()), Some(*code));
    }
}

#[test]
fn asyncapi_document_is_that_of_the_contracts_and_its_references_resolve() {
    let document = asyncapi_document();
    assert_file(schemas_folder().join("asyncapi.json"), &pretty(&document));
    let files: BTreeSet<String> = schema_files().into_iter().map(|(name, _)| name).collect();
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(references.len() > 30, "the document refers to its parts");
    for reference in references {
        match reference.strip_prefix('#') {
            Some(pointer) => assert!(
                document.pointer(pointer).is_some(),
                "{reference} leads nowhere"
            ),
            None => assert!(
                files.contains(reference.trim_start_matches("./")),
                "{reference} leads nowhere"
            ),
        }
    }
}

fn collect_references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str() {
                    Some(reference) if name == "$ref" => found.push(reference.to_owned()),
                    _ => collect_references(member, found),
                }
            }
        }
        Value::Array(entries) => entries
            .iter()
            .for_each(|entry| collect_references(entry, found)),
        _ => {}
    }
}

#[test]
fn every_contract_has_an_example() {
    let seen: BTreeSet<String> = examples()
        .iter()
        .map(|(name, document)| type_and_data(name, document).0)
        .collect();
    for contract in contracts() {
        for kind in contract.types {
            assert!(seen.contains(kind), "no example of {kind}");
        }
    }
}

#[test]
fn every_source_type_has_a_fixture() {
    let seen: BTreeSet<String> = examples()
        .iter()
        .filter_map(|(name, document)| {
            type_and_data(name, document)
                .1
                .pointer("/source/type")?
                .as_str()
                .map(str::to_owned)
        })
        .collect();
    for source in auscult_core::words::SourceType::ALL {
        assert!(
            seen.contains(source.as_str()),
            "no fixture of source type {source}"
        );
    }
}

#[test]
fn every_example_is_valid_by_its_schema() {
    let envelope = validator(&envelope_schema());
    for (name, document) in examples() {
        let (kind, data) = type_and_data(&name, &document);
        let schema = validator(&contract_of(&kind).schema());
        let problems: Vec<String> = schema
            .iter_errors(&data)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(problems.is_empty(), "{name}: {problems:?}");
        if name.contains(".structured.") {
            let problems: Vec<String> = envelope
                .iter_errors(&document)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(problems.is_empty(), "{name}: {problems:?}");
        }
    }
}

/// Reading and writing loses nothing: every field of the example is there again, unknown ones under `extra`.
#[test]
fn every_example_round_trips() {
    for (name, document) in examples() {
        let (kind, data) = type_and_data(&name, &document);
        let (headers, value) = as_record(&name, &document);
        let again =
            reread(&kind, &headers, &value).unwrap_or_else(|error| panic!("{name}: {error}"));
        let schema = validator(&contract_of(&kind).schema());
        assert!(
            schema.is_valid(&again),
            "{name}: what is written is not valid"
        );
        let Shape::Record(shape) = contract_of(&kind).shape else {
            panic!("data are objects")
        };
        let expected = unknown_moved_to_extra(&pruned(&data), &shape);
        assert_eq!(pruned(&again), expected, "{name}");
    }
}

fn unknown_moved_to_extra(data: &Value, shape: &RecordShape) -> Value {
    let mut extra = data
        .get("extra")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let mut known = known_members(data, shape, "", &mut extra);
    if !extra.is_empty() {
        known["extra"] = extra.into();
    }
    known
}

fn known_members(
    data: &Value,
    shape: &RecordShape,
    path: &str,
    extra: &mut serde_json::Map<String, Value>,
) -> Value {
    let mut known = serde_json::Map::new();
    for (name, member) in data.as_object().expect("object") {
        let dotted = format!("{path}{name}");
        match shape
            .fields
            .iter()
            .find(|field| field.name == name)
            .map(|field| &field.shape)
        {
            None => drop(extra.insert(dotted, member.clone())),
            Some(Shape::Record(inner)) => drop(known.insert(
                name.clone(),
                known_members(member, inner, &format!("{dotted}."), extra),
            )),
            Some(_) => drop(known.insert(name.clone(), member.clone())),
        }
    }
    known.into()
}

/// A required field taken away is refused by the reader, at its place, and by the schema.
#[test]
fn required_fields_are_required_by_reader_and_schema() {
    let mut checked = 0;
    for (name, document) in examples()
        .into_iter()
        .filter(|(name, _)| name.contains(".structured."))
    {
        let kind = type_and_data(&name, &document).0;
        let contract = contract_of(&kind);
        let schema = validator(&contract.schema());
        let mut paths = Vec::new();
        paths_of(
            &contract.shape,
            &document["data"],
            "",
            &mut paths,
            &|required, _| required,
        );
        for path in paths {
            let mut broken = document.clone();
            remove(&mut broken["data"], &path);
            assert!(
                !schema.is_valid(&broken["data"]),
                "{name}: the schema does without {path}"
            );
            let (headers, value) = as_record(&name, &broken);
            let refusal = reread(&kind, &headers, &value)
                .expect_err(&format!("{name}: the reader does without {path}"));
            assert_eq!(
                refusal.code,
                ErrorCode::FieldMissing,
                "{name} {path}: {refusal}"
            );
            assert!(
                refusal.place.ends_with(&path),
                "{name} {path}: told at {}",
                refusal.place
            );
            checked += 1;
        }
    }
    assert!(checked > 300, "{checked} places checked");
}

/// A word outside its list is refused by the reader, at its place, and by the schema.
#[test]
fn words_are_closed_for_reader_and_schema() {
    let mut checked = 0;
    for (name, document) in examples()
        .into_iter()
        .filter(|(name, _)| name.contains(".structured."))
    {
        let kind = type_and_data(&name, &document).0;
        let contract = contract_of(&kind);
        let schema = validator(&contract.schema());
        let mut paths = Vec::new();
        paths_of(
            &contract.shape,
            &document["data"],
            "",
            &mut paths,
            &|_, shape| matches!(bare(shape), Shape::Words { .. }),
        );
        for path in paths {
            let mut broken = document.clone();
            *broken["data"].pointer_mut(&path).expect("path") = "smoke_signal".into();
            assert!(
                !schema.is_valid(&broken["data"]),
                "{name}: the schema takes any word at {path}"
            );
            let (headers, value) = as_record(&name, &broken);
            let refusal = reread(&kind, &headers, &value)
                .expect_err(&format!("{name}: the reader takes any word at {path}"));
            assert_eq!(
                refusal.code,
                ErrorCode::EnumUnknown,
                "{name} {path}: {refusal}"
            );
            assert!(
                refusal.place.ends_with(&path),
                "{name} {path}: told at {}",
                refusal.place
            );
            checked += 1;
        }
    }
    assert!(checked > 150, "{checked} places checked");
}

fn bare(shape: &Shape) -> &Shape {
    match shape {
        Shape::Nullable(inner) => bare(inner),
        other => other,
    }
}

fn paths_of(
    shape: &Shape,
    value: &Value,
    path: &str,
    found: &mut Vec<String>,
    wanted: &dyn Fn(bool, &Shape) -> bool,
) {
    match (bare(shape), value) {
        (Shape::Record(record), Value::Object(members)) => {
            for field in &record.fields {
                let here = format!("{path}/{}", field.name);
                let Some(member) = members.get(field.name).filter(|member| !member.is_null())
                else {
                    continue;
                };
                if wanted(field.required, &field.shape) {
                    found.push(here.clone());
                }
                paths_of(&field.shape, member, &here, found, wanted);
            }
        }
        (Shape::List(entry), Value::Array(entries)) => {
            for (index, member) in entries.iter().enumerate() {
                paths_of(entry, member, &format!("{path}/{index}"), found, wanted);
            }
        }
        _ => {}
    }
}

fn remove(data: &mut Value, path: &str) {
    let (parent, name) = path.rsplit_once('/').expect("a path");
    data.pointer_mut(parent)
        .expect("parent")
        .as_object_mut()
        .expect("object")
        .remove(name);
}
