//! Texts inside a JSON document changed in place, and every other byte left as it is.
//!
//! Redaction that is run again over stored alerts must change a quote and nothing else: no number in another spelling, no field of
//! a newer release lost. Reading into our types and writing them back was the alternative, and keeps neither promise.

/// Changes string members called one of `names`, wherever they stand; `None` if nothing changed. `change` gives what is to stand
/// there instead, or nothing. A document that is not JSON comes back unchanged: it is not this function's to judge.
pub fn change_members(
    json: &str,
    names: &[&str],
    change: &mut dyn FnMut(&str) -> Option<String>,
) -> Option<String> {
    let bytes = json.as_bytes();
    let mut changed = String::new();
    let (mut copied, mut at) = (0, 0);
    let mut wanted = false;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                let end = end_of_string(bytes, at)?;
                let written = &json[at..end];
                let next = bytes[end..]
                    .iter()
                    .position(|byte| !byte.is_ascii_whitespace());
                let is_name = next.is_some_and(|next| bytes[end + next] == b':');
                if is_name {
                    let name: String = serde_json::from_str(written).ok()?;
                    wanted = names.contains(&name.as_str());
                } else if wanted {
                    let text: String = serde_json::from_str(written).ok()?;
                    if let Some(new) = change(&text) {
                        changed.push_str(&json[copied..at]);
                        changed.push_str(&serde_json::Value::from(new).to_string());
                        copied = end;
                    }
                    wanted = false;
                }
                at = end;
            }
            // The value of the name before is no string, or it is over.
            b'{' | b'[' | b',' | b'}' | b']' => {
                wanted = false;
                at += 1;
            }
            _ => at += 1,
        }
    }
    (copied > 0).then(|| {
        changed.push_str(&json[copied..]);
        changed
    })
}

/// One past the closing quote of the string that begins at `start`.
fn end_of_string(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn upper(text: &str) -> Option<String> {
        text.contains("secret")
            .then(|| text.replace("secret", "[X]"))
    }

    #[test]
    fn only_the_named_strings_change() {
        let json = r#"{ "quote" : "a \"secret\"\n", "n":1.50e3,"why":"secret","examples":[{"quote":"plain"},{"quote":"secret ü"}],"quote":["secret"],"quote":{"why":"secret"} }"#;
        let expected = r#"{ "quote" : "a \"[X]\"\n", "n":1.50e3,"why":"secret","examples":[{"quote":"plain"},{"quote":"[X] ü"}],"quote":["secret"],"quote":{"why":"secret"} }"#;
        assert_eq!(
            change_members(json, &["quote"], &mut upper).as_deref(),
            Some(expected)
        );
        assert_eq!(change_members(json, &["text"], &mut upper), None);
        assert_eq!(
            change_members(r#"{"quote":"secret"#, &["quote"], &mut upper),
            None
        );
    }

    proptest! {
        #[test]
        fn what_comes_out_is_the_same_document_but_for_the_texts(text in ".{0,40}", other in ".{0,40}") {
            let document = serde_json::json!({"quote": format!("{text} secret"), "other": other, "list": [{"quote": other}]});
            let json = document.to_string();
            let out = change_members(&json, &["quote"], &mut |text| text.contains("secret").then(|| "new\"\\".to_owned()));
            let back: serde_json::Value = serde_json::from_str(&out.unwrap()).unwrap();
            let mut expected = document;
            expected["quote"] = "new\"\\".into();
            if other.contains("secret") {
                expected["list"][0]["quote"] = "new\"\\".into();
            }
            prop_assert_eq!(back, expected);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[\\\\\"{}\\[\\],:a ]{0,60}") {
            let _ = change_members(&text, &["a"], &mut |_| Some("b".to_owned()));
        }
    }
}
