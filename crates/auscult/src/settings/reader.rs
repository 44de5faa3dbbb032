//! Reading settings so that every mistake is reported at once, with its path.
//!
//! Deserialising straight into structs stops at the first mistake: five mistakes take five starts. This reader
//! takes typed values out of a TOML table one by one, notes what is wrong, and at the end names the keys
//! nobody asked for, with the nearest known one.

use auscult_core::settings::Problem;
use toml::{Table, Value};

/// One table of a settings file and what is wrong with it so far.
pub struct Section<'a> {
    path: String,
    table: Table,
    known: Vec<&'static str>,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Section<'a> {
    /// Starts reading `table`, which stands at `path` (empty for the whole file).
    pub fn new(
        path: impl Into<String>,
        table: Table,
        problems: &'a mut Vec<Problem>,
    ) -> Section<'a> {
        Section {
            path: path.into(),
            table,
            known: Vec::new(),
            problems,
        }
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.table.remove(key)
    }

    fn wrong_type(&mut self, key: &str, wanted: &str, found: &Value) {
        let path = self.path_of(key);
        self.problems.push(Problem::new(
            path,
            format!("{} is not {wanted}", shown(found)),
            format!("write {wanted}"),
        ));
    }

    /// Adds a problem at `key`.
    pub fn problem(&mut self, key: &str, reason: impl Into<String>, remedy: impl Into<String>) {
        let path = self.path_of(key);
        self.problems.push(Problem::new(path, reason, remedy));
    }

    /// A text.
    pub fn text(&mut self, key: &'static str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) => Some(text),
            other => {
                self.wrong_type(key, "a text in quotes", &other);
                None
            }
        }
    }

    /// A whole number from 0 to `most`.
    pub fn whole(&mut self, key: &'static str, most: u64) -> Option<u64> {
        match self.take(key)? {
            Value::Integer(number) if u64::try_from(number).is_ok_and(|number| number <= most) => {
                u64::try_from(number).ok()
            }
            other => {
                self.wrong_type(key, &format!("a whole number from 0 to {most}"), &other);
                None
            }
        }
    }

    /// A number.
    pub fn number(&mut self, key: &'static str) -> Option<f64> {
        match self.take(key)? {
            Value::Float(number) if number.is_finite() => Some(number),
            Value::Integer(number) => Some(number as f64),
            other => {
                self.wrong_type(key, "a number", &other);
                None
            }
        }
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &'static str) -> Option<bool> {
        match self.take(key)? {
            Value::Boolean(flag) => Some(flag),
            other => {
                self.wrong_type(key, "true or false", &other);
                None
            }
        }
    }

    /// A list of texts.
    pub fn texts(&mut self, key: &'static str) -> Option<Vec<String>> {
        match self.take(key)? {
            Value::Array(items) => {
                let mut texts = Vec::new();
                for (at, item) in items.into_iter().enumerate() {
                    match item {
                        Value::String(text) => texts.push(text),
                        other => {
                            self.wrong_type(&format!("{key}[{at}]"), "a text in quotes", &other)
                        }
                    }
                }
                Some(texts)
            }
            other => {
                self.wrong_type(key, "a list of texts", &other);
                None
            }
        }
    }

    /// A list of whole numbers from 0 to `most`.
    pub fn wholes(&mut self, key: &'static str, most: u64) -> Option<Vec<u64>> {
        let Value::Array(items) = self.take(key)? else {
            self.problem(
                key,
                "it is no list",
                format!("write a list of whole numbers from 0 to {most}"),
            );
            return None;
        };
        let mut numbers = Vec::new();
        for (at, item) in items.into_iter().enumerate() {
            let number = item.as_integer().and_then(|it| u64::try_from(it).ok());
            match number.filter(|number| *number <= most) {
                Some(number) => numbers.push(number),
                None => self.wrong_type(
                    &format!("{key}[{at}]"),
                    &format!("a whole number from 0 to {most}"),
                    &item,
                ),
            }
        }
        Some(numbers)
    }

    /// One word of a fixed list, through `parse`.
    pub fn word<T>(
        &mut self,
        key: &'static str,
        words: &[&str],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(key)?;
        let found = parse(&text);
        if found.is_none() {
            self.problem(
                key,
                format!("{text:?} is not known"),
                format!("choose one of {}", words.join(", ")),
            );
        }
        found
    }

    /// Several words of a fixed list.
    pub fn words<T>(
        &mut self,
        key: &'static str,
        words: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let texts = self.texts(key)?;
        let mut found = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            match parse(text) {
                Some(word) => found.push(word),
                None => self.problem(
                    &format!("{key}[{at}]"),
                    format!("{text:?} is not known"),
                    format!("choose from {words}"),
                ),
            }
        }
        Some(found)
    }

    /// A table below this one; empty if absent.
    pub fn table(&mut self, key: &'static str) -> Table {
        match self.take(key) {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(other) => {
                self.wrong_type(key, "a table", &other);
                Table::new()
            }
        }
    }

    /// A list of tables below this one; `None` if absent.
    pub fn tables(&mut self, key: &'static str) -> Option<Vec<Table>> {
        match self.take(key)? {
            Value::Array(items) => {
                let mut tables = Vec::new();
                for (at, item) in items.into_iter().enumerate() {
                    match item {
                        Value::Table(table) => tables.push(table),
                        other => self.wrong_type(&format!("{key}[{at}]"), "a table", &other),
                    }
                }
                Some(tables)
            }
            other => {
                self.wrong_type(key, "a list of tables", &other);
                None
            }
        }
    }

    /// A section below this one, read by `read`.
    pub fn section<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Section<'_>) -> T) -> T {
        let table = self.table(key);
        self.nested(key, table, read)
    }

    /// A section whose table was already taken, such as one of a list.
    pub fn nested<T>(
        &mut self,
        name: &str,
        table: Table,
        read: impl FnOnce(&mut Section<'_>) -> T,
    ) -> T {
        let path = self.path_of(name);
        let mut section = Section::new(path, table, self.problems);
        let value = read(&mut section);
        section.finish();
        value
    }

    /// Names the keys nobody asked for.
    pub fn finish(self) {
        for key in self.table.keys() {
            let nearest = self
                .known
                .iter()
                .map(|known| (distance(known, key), *known))
                .min();
            let remedy = match nearest {
                Some((distance, known)) if distance <= 3 => format!("did you mean {known}?"),
                _ => format!("known here: {}", self.known.join(", ")),
            };
            let path = if self.path.is_empty() {
                key.clone()
            } else {
                format!("{}.{key}", self.path)
            };
            self.problems
                .push(Problem::new(path, "there is no such setting", remedy));
        }
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 40 {
        format!("{}…", text.chars().take(40).collect::<String>())
    } else {
        text
    }
}

/// Edits between two keys (Levenshtein), to suggest the one that was meant.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, from) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, to) in right.iter().enumerate() {
            let above = row[column + 1];
            row[column + 1] = (diagonal + usize::from(from != *to))
                .min(above + 1)
                .min(row[column] + 1);
            diagonal = above;
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_mistakes_are_five_problems() {
        let table: Table = "a = 'x'\nb = 7\nc = -1\nd = [1]\nnumbr = 2"
            .parse()
            .expect("valid TOML");
        let mut problems = Vec::new();
        let mut section = Section::new("s", table, &mut problems);
        section.number("a");
        section.text("b");
        section.whole("c", 10);
        section.texts("d");
        section.number("number");
        section.finish();
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 5, "{told:#?}");
        assert!(told[3].starts_with("s.d[0]"), "{}", told[3]);
        assert!(told[4].contains("did you mean number?"), "{}", told[4]);
    }
}
