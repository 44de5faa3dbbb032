//! Checks of one page's HTML that hold for every page: balance, ids, labels, landmarks, no inline code.

use std::collections::{BTreeMap, BTreeSet};

const VOID: [&str; 5] = ["meta", "link", "input", "br", "hr"];

/// One start tag.
#[derive(Debug)]
struct Tag {
    name: String,
    attributes: BTreeMap<String, String>,
}

/// Panics with what is wrong with a page.
pub fn check(path: &str, page: &str) {
    let tags = parse(path, page);
    let with = |attribute: &str| {
        tags.iter()
            .filter_map(|tag| {
                tag.attributes
                    .get(attribute)
                    .map(|value| (tag, value.as_str()))
            })
            .collect::<Vec<_>>()
    };
    let ids: Vec<&str> = with("id").into_iter().map(|(_, id)| id).collect();
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(
        ids.len(),
        unique.len(),
        "{path}: an id is used twice: {ids:?}"
    );
    for attribute in ["for", "aria-labelledby"] {
        for (tag, value) in with(attribute) {
            for id in value.split(' ') {
                assert!(
                    unique.contains(id),
                    "{path}: {tag:?} points at {id:?}, which is not there"
                );
            }
        }
    }
    let labelled: BTreeSet<&str> = with("for").into_iter().map(|(_, id)| id).collect();
    for tag in tags
        .iter()
        .filter(|tag| matches!(tag.name.as_str(), "input" | "select" | "textarea"))
    {
        if tag
            .attributes
            .get("type")
            .is_some_and(|kind| kind == "hidden")
        {
            continue;
        }
        let id = tag
            .attributes
            .get("id")
            .unwrap_or_else(|| panic!("{path}: {tag:?} has no id"));
        assert!(
            labelled.contains(id.as_str()),
            "{path}: {tag:?} has no label"
        );
    }
    for tag in &tags {
        for name in tag.attributes.keys() {
            assert!(
                !name.starts_with("on") && name != "style",
                "{path}: {tag:?} holds inline code"
            );
        }
        for link in ["href", "src", "action"]
            .iter()
            .filter_map(|name| tag.attributes.get(*name))
        {
            let ours = link.starts_with('/') || link.starts_with('#');
            assert!(
                ours || (tag.name == "a" && link.starts_with("https://auscult.example/")),
                "{path}: {tag:?} leads elsewhere"
            );
        }
    }
    for landmark in ["main", "header", "footer", "title", "h1"] {
        assert!(
            tags.iter().any(|tag| tag.name == landmark),
            "{path}: there is no {landmark}"
        );
    }
    assert_eq!(
        tags.iter().filter(|tag| tag.name == "h1").count(),
        1,
        "{path}: one h1"
    );
    assert!(
        tags.iter()
            .any(|tag| tag.name == "html"
                && tag.attributes.get("lang").is_some_and(|lang| lang == "en")),
        "{path}: language"
    );
    assert!(
        page.contains("<a class=\"skip\" href=\"#main\">"),
        "{path}: skip link"
    );
    headings(path, &tags);
}

/// Headings never skip a level downwards.
fn headings(path: &str, tags: &[Tag]) {
    let mut last = 0;
    for tag in tags {
        if let Some(level) = tag
            .name
            .strip_prefix('h')
            .and_then(|level| level.parse::<u32>().ok())
        {
            assert!(level <= last + 1, "{path}: h{level} follows h{last}");
            last = level;
        }
    }
}

/// A strict reader of what maud writes: every start tag, with the nesting checked.
fn parse(path: &str, page: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = page
        .strip_prefix("<!DOCTYPE html>")
        .unwrap_or_else(|| panic!("{path}: no doctype"));
    while let Some(start) = rest.find('<') {
        assert!(
            !rest[..start].contains('>'),
            "{path}: a stray > in {:?}",
            &rest[..start]
        );
        let end = tag_end(&rest[start..]) + start;
        let inside = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = inside.strip_prefix('/') {
            assert_eq!(
                open.pop().as_deref(),
                Some(name),
                "{path}: </{name}> closes something else"
            );
            continue;
        }
        let (inside, closed) = inside
            .strip_suffix('/')
            .map_or((inside, false), |inside| (inside, true));
        let (name, attributes) = inside.split_once(' ').unwrap_or((inside, ""));
        let tag = Tag {
            name: name.to_owned(),
            attributes: attributes_of(path, attributes),
        };
        if !closed && !VOID.contains(&name) {
            open.push(name.to_owned());
        }
        tags.push(tag);
    }
    assert!(open.is_empty(), "{path}: never closed: {open:?}");
    tags
}

fn tag_end(text: &str) -> usize {
    let mut quoted = false;
    text.bytes()
        .position(|byte| {
            quoted ^= byte == b'"';
            byte == b'>' && !quoted
        })
        .expect("a tag that ends")
}

fn attributes_of(path: &str, text: &str) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(['=', ' ']).unwrap_or(rest.len());
        let name = &rest[..end];
        let value;
        (value, rest) = match rest[end..].strip_prefix("=\"") {
            Some(after) => after.split_once('"').expect("a quote that ends"),
            None => ("", &rest[end..]),
        };
        assert!(
            attributes
                .insert(name.to_owned(), value.to_owned())
                .is_none(),
            "{path}: {name} is given twice"
        );
        rest = rest.trim_start();
    }
    attributes
}

#[test]
fn the_checker_sees_what_is_wrong() {
    let wrong = [
        "<!DOCTYPE html><p><b></p>",
        "<!DOCTYPE html><p id=\"a\"></p><p id=\"a\"></p>",
        "<!DOCTYPE html><p onclick=\"x\"></p>",
        "<p></p>",
    ];
    for page in wrong {
        assert!(
            std::panic::catch_unwind(|| check("wrong", page)).is_err(),
            "{page}"
        );
    }
}
